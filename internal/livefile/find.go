package livefile

import (
	"fmt"
	"maps"
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

// readFiles reads the files that the globs name, or says what is wrong. A glob
// may name none where there is something besides.
func readFiles(globs []string, besides bool, problems *strict.Problems) []strict.File {
	names, without := find(globs)
	for _, glob := range without {
		if (besides || len(names) > 0) && strings.ContainsAny(glob, "*?[") {
			continue // one kind of files may be missing, as *.csv beside *.yaml
		}
		problems.Add(strict.Problem{File: glob, Message: "no such file; check the name, relative names start at the server's working directory"})
	}
	var files []strict.File
	for _, name := range names {
		if file, ok := strict.ReadFile(name, problems); ok {
			files = append(files, file)
		}
	}
	return files
}

// signature tells by names, sizes, times and versions whether contents may have
// changed, without reading them.
type signature struct {
	files    map[string]os.FileInfo
	versions map[string]string // of a Provider's
}

func signFiles(globs []string) map[string]os.FileInfo {
	s := map[string]os.FileInfo{}
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
	return maps.Equal(s.versions, other.versions) && maps.EqualFunc(s.files, other.files, sameStat)
}

func sameStat(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode() && os.SameFile(a, b)
}
