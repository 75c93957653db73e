// Package diskcopy keeps a value on disk for the next start.
package diskcopy

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// Write replaces the copy of a value, as JSON, in one step: after a crash there
// is the old one or the new one.
func Write(name string, v any) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	err = json.NewEncoder(file).Encode(v)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
