// Package diskcopy keeps a value on disk for the next start.
package diskcopy

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// Write replaces the copy of a value, as JSON, in one step: after a crash there
// is the old one or the new one. What a crash leaves of a write beside it has
// one name, so that the next write replaces that, too. It is for one goroutine
// and one process at a time.
func Write(name string, v any) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	temp := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".new")
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = json.NewEncoder(file).Encode(v)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}
