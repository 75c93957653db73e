// Package atomicfile replaces files in one step. Whoever reads the file, also
// after a crash, finds the old content or the new one, never a part.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Write replaces the content of the file name, or makes the file. The directory
// must exist. Write first fills a hidden file beside name, syncs it, and then
// renames it. Where two processes write the same file at the same time, one of
// them may get an error; the file is whole.
func Write(name string, data []byte, mode os.FileMode) error {
	dir, prefix := filepath.Dir(name), "."+filepath.Base(name)+"."
	removeLeftovers(dir, prefix)
	hidden, err := os.CreateTemp(dir, prefix+"*"+suffix)
	if err != nil {
		return err
	}
	_, err = hidden.Write(data)
	err = errors.Join(err, hidden.Chmod(mode), hidden.Sync(), hidden.Close())
	if err == nil {
		err = os.Rename(hidden.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(hidden.Name()))
	}
	return nil
}

// The hidden file for routing.yaml is .routing.yaml.DIGITS.new.
const suffix = ".new"

// removeLeftovers removes the hidden files of processes that were killed while
// they wrote: large contents must not pile up.
func removeLeftovers(dir, prefix string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // the write itself will say why
	}
	for _, entry := range entries {
		rest, ok := strings.CutPrefix(entry.Name(), prefix)
		digits, isHidden := strings.CutSuffix(rest, suffix)
		if ok && isHidden && strings.Trim(digits, "0123456789") == "" {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}
