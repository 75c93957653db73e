package livefile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// find returns the files that the globs name, sorted, each once, and the globs
// that name none. Names that start with a dot are editors' and Kubernetes' own.
func find(globs []string) (names, without []string) {
	for _, glob := range globs {
		matches, err := filepath.Glob(glob)
		matches = slices.DeleteFunc(matches, func(name string) bool { return strings.HasPrefix(filepath.Base(name), ".") })
		if err != nil || len(matches) == 0 {
			without = append(without, glob)
		}
		names = append(names, matches...)
	}
	slices.Sort(names)
	return slices.Compact(names), without
}

// read returns all files, or every fault.
func read(globs []string) ([]strict.File, error) {
	var problems strict.Problems
	names, without := find(globs)
	for _, glob := range without {
		if len(names) > 0 && strings.ContainsAny(glob, "*?[") {
			continue // one kind of files may be missing, as *.csv beside *.yaml
		}
		problems.Add(strict.Problem{File: glob, Message: "no such file; check the name, relative names start at the server's working directory"})
	}
	var files []strict.File
	for _, name := range names {
		if file, ok := strict.ReadFile(name, &problems); ok {
			files = append(files, file)
		}
	}
	return files, problems.Err()
}

// signature tells by names, sizes and times whether files may have changed,
// without reading them.
type signature map[string]os.FileInfo

func sign(globs []string) signature {
	s := signature{}
	names, without := find(globs)
	for _, name := range names {
		s[name], _ = os.Stat(name) // through symlinks; nil if it is gone
	}
	for _, glob := range without {
		s[fmt.Sprintf("without %s", glob)] = nil
	}
	return s
}

func (s signature) equal(other signature) bool {
	if len(s) != len(other) {
		return false
	}
	for name, a := range s {
		b, there := other[name]
		if !there || (a == nil) != (b == nil) {
			return false
		}
		if a != nil && (a.Size() != b.Size() || !a.ModTime().Equal(b.ModTime()) || a.Mode() != b.Mode() || !os.SameFile(a, b)) {
			return false
		}
	}
	return true
}
