package httpfiles

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/diskcopy"
	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// copyFile returns the name of the copy on disk, beside the copy of the files of the
// config center.
func copyFile(kind string) string { return filepath.Join("data", "setrouter", kind+"-http.json") }

// copyVersion is the version of the form of the copies on disk.
const copyVersion = 1

// diskCopy is the copy on disk of what is in force.
type diskCopy struct {
	Version int         `json:"version"`
	SavedAt time.Time   `json:"savedAt"`
	Sources []string    `json:"sources"` // the addresses as they are shown
	Files   []diskEntry `json:"files"`
}

type diskEntry struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// writeCopy writes the copy on disk.
func (s *Source) writeCopy(files []strict.File) error {
	c := diskCopy{Version: copyVersion, SavedAt: clock.Now(), Sources: s.config.Names()}
	for _, file := range files {
		c.Files = append(c.Files, diskEntry{file.Name, string(file.Data)})
	}
	return diskcopy.Write(s.copyFile, c)
}

// readCopy reads the copy on disk. A copy of other addresses is an error.
func (s *Source) readCopy() (c diskCopy, err error) {
	if err := diskcopy.Read(s.copyFile, copyVersion, &c); err != nil {
		return c, err
	}
	if !slices.Equal(c.Sources, s.config.Names()) {
		return c, fmt.Errorf("%s: is of %v, expected a copy of %v", s.copyFile, c.Sources, s.config.Names())
	}
	return c, nil
}

// Copy implements livefile.Source.
func (s *Source) Copy() (*livefile.Reading, error) {
	c, err := s.readCopy()
	if err != nil {
		return nil, err
	}
	var files []strict.File
	for _, entry := range c.Files {
		files = append(files, strict.File{Name: entry.Name, Data: []byte(entry.Content)})
	}
	inCopy := func() error { return nil } // the copy is on disk already
	return &livefile.Reading{Files: files, SavedAt: c.SavedAt, Keep: inCopy}, nil
}

// sameFiles reports whether files have the same names and contents.
func sameFiles(a, b []strict.File) bool {
	return slices.EqualFunc(a, b, func(x, y strict.File) bool { return x.Name == y.Name && bytes.Equal(x.Data, y.Data) })
}
