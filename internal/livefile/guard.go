package livefile

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// askGuard asks the guard whether the value of files may take the place of the value in
// force. A bug in the guard refuses it.
func (l *Live[T]) askGuard(files []strict.File, value *T) (err error) {
	if l.options.Guard == nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in the shrink guard: %v", p)
		}
	}()
	return l.options.Guard(l.value, value, l.gone(files))
}

// gone returns the names of the files in force that are not among files.
func (l *Live[T]) gone(files []strict.File) (names []string) {
	for _, old := range l.inForce.files {
		sameName := func(file strict.File) bool { return file.Name == old.Name }
		if !slices.ContainsFunc(files, sameName) {
			names = append(names, old.Name)
		}
	}
	return names
}
