package livefile

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// disk is the files on disk that globs name.
type disk struct {
	globs  []string
	others []string               // globs of files that are read elsewhere
	alone  bool                   // there are no other texts beside them
	seen   map[string]os.FileInfo // at the last read
	still  stillness
}

// changed reports by names, sizes and times, of writes and of changes, whether files may have other
// contents than at the last read.
func (d *disk) changed() bool { return !maps.EqualFunc(d.look(), d.seen, sameInfo) }

// wait returns how long the files must still stand as they do now before they are read,
// and the name of one of them.
func (d *disk) wait() (time.Duration, string) { return d.still.wait(d.look(), d.seen) }

// look returns what the file system says of each file; nil for a file that is
// gone. A glob that names no file has an entry of its own.
func (d *disk) look() map[string]os.FileInfo {
	infos := map[string]os.FileInfo{}
	names, unmatched := find(d.globs)
	for _, name := range names {
		infos[name], _ = os.Stat(name) // through symlinks
	}
	for _, glob := range unmatched {
		infos[fmt.Sprintf("without %s", glob)] = nil
	}
	return infos
}

func sameInfo(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	sameTime := a.ModTime().Equal(b.ModTime()) && changedAt(a) == changedAt(b) // an edit can keep size and time of the last write
	return a.Size() == b.Size() && sameTime && a.Mode() == b.Mode() && os.SameFile(a, b)
}

// read returns the files, and remembers how they look.
func (d *disk) read(problems *strict.Problems) []strict.File {
	d.seen = d.look() // before the reading: a change meanwhile is seen later
	d.still.reset()
	return d.files(problems)
}

// files returns the files, and adds what is wrong with them to problems.
func (d *disk) files(problems *strict.Problems) []strict.File {
	names, unmatched := find(d.globs)
	for _, glob := range unmatched {
		if (!d.alone || len(names) > 0) && strings.ContainsAny(glob, "*?[") {
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

// find returns the files that the globs name, sorted, each once, and the globs
// that name no file. Editors and Kubernetes make files for themselves whose names
// start with a dot: find leaves them out.
func find(globs []string) (names, unmatched []string) {
	for _, glob := range globs {
		matches, err := filepath.Glob(glob)
		matches = slices.DeleteFunc(matches, func(name string) bool { return strings.HasPrefix(filepath.Base(name), ".") })
		if err != nil || len(matches) == 0 {
			unmatched = append(unmatched, glob)
		}
		names = append(names, matches...)
	}
	slices.Sort(names)
	return slices.Compact(names), unmatched
}
