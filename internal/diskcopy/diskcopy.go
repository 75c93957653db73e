// Package diskcopy keeps a value on disk for the next start of the server.
package diskcopy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/polaris-contrib/setrouter/internal/atomicfile"
)

// Write replaces the copy of a value in the file name, as JSON, in one step. It
// makes the directory where there is none. Only the server's user can read the
// copy.
func Write(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(name, data, 0o600)
}

// Read reads the copy in the file name into value. Where there is no such file,
// the error is os.ErrNotExist. A copy whose field "version" is not the version that
// this program writes is an error, whatever else is in the copy: a newer program may
// have written it, with other fields or with other meanings.
func Read(name string, version int, value any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var form struct{ Version int }
	if err := json.Unmarshal(data, &form); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if form.Version != version {
		return fmt.Errorf("%s: version %d, expected %d: another version of setrouter wrote it, and it is not used", name, form.Version, version)
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
