package configcenter

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/diskcopy"
	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// copyFile returns the name of the copy on disk of the files of a kind. It is
// beside what Polaris keeps on disk, below the server's working directory.
func copyFile(kind string) string { return filepath.Join("data", "setrouter", kind+".json") }

// copyVersion is the version of the form of the copies on disk.
const copyVersion = 1

// diskCopy is the copy on disk of the files of a Source that are in force.
type diskCopy struct {
	Version  int         `json:"version"`
	SavedAt  time.Time   `json:"savedAt"`
	Contents []diskEntry `json:"contents"`
	// Newest has the last release of each file and type that was in force. After
	// a restart no older release may take its place.
	Newest []release.Release `json:"newest,omitempty"`
}

type diskEntry struct {
	Name    string          `json:"name"`
	Content string          `json:"content"`
	Release release.Release `json:"release"`
}

func (s *Source) writeCopy(files []strict.File, releases map[string]release.Release) error {
	c := diskCopy{Version: copyVersion, SavedAt: clock.Now(), Newest: slices.Collect(maps.Values(s.newest))}
	for _, file := range files {
		c.Contents = append(c.Contents, diskEntry{file.Name, string(file.Data), releases[file.Name]})
	}
	return diskcopy.Write(s.copyFile, c)
}

func (s *Source) readCopy() (c diskCopy, err error) {
	err = diskcopy.Read(s.copyFile, copyVersion, &c)
	return c, err
}

// recall reads from the copy on disk which releases were in force before this
// start.
func (s *Source) recall() {
	c, err := s.readCopy()
	if err != nil {
		return // Copy returns the error, where a copy is needed
	}
	s.mark(c.Newest)
}

// Copy implements livefile.Source. An empty config center is not a fault: then
// the server starts without files, whatever is on disk.
func (s *Source) Copy() (*livefile.Reading, error) {
	if s.absent {
		return nil, nil
	}
	c, err := s.readCopy()
	if err != nil {
		return nil, err
	}
	entries, releases := map[string]diskEntry{}, map[string]release.Release{}
	for _, entry := range c.Contents {
		entries[entry.Name] = entry
	}
	var files []strict.File
	for _, name := range s.names {
		entry, ok := entries[name]
		if !ok {
			return nil, fmt.Errorf("%s: has no %s", s.copyFile, name)
		}
		files = append(files, strict.File{Name: name, Data: []byte(entry.Content)})
		releases[name] = entry.Release
	}
	keep := func() error { // the copy is on disk already
		s.mark(slices.Collect(maps.Values(releases)))
		s.show(releases)
		return nil
	}
	return &livefile.Reading{Files: files, Version: versionOf(releases), SavedAt: c.SavedAt, Keep: keep}, nil
}
