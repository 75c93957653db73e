package livefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/diskcopy"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// copyVersion is that of the form of the copies on disk.
const copyVersion = 1

// diskCopy is what is on disk of a Provider's contents.
type diskCopy struct {
	Version  int         `json:"version"`
	SavedAt  time.Time   `json:"savedAt"`
	Contents []diskEntry `json:"contents"`
}

type diskEntry struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// keepCopy writes the Provider's contents in force to disk.
func (l *Live[T]) keepCopy() {
	l.status.CopyErr = nil
	if len(l.remote) == 0 || l.options.Copy == "" {
		return
	}
	c := diskCopy{Version: copyVersion, SavedAt: clock.Now()}
	for _, f := range l.inForce {
		if Remote(f.Name) {
			c.Contents = append(c.Contents, diskEntry{f.Name, string(f.Data)})
		}
	}
	if err := diskcopy.Write(l.options.Copy, c); err != nil {
		l.status.CopyErr = fmt.Errorf("the copy on disk cannot be written: %w", err)
	}
}

// keepCopyAgain writes the copy that could not be written before, also while
// newer contents are refused.
func (l *Live[T]) keepCopyAgain() {
	if l.status.CopyErr != nil && l.inForce != nil && l.status.CopiedAt.IsZero() {
		l.keepCopy()
	}
}

// useCopy takes the copy on disk into force, with the files of now.
func (l *Live[T]) useCopy() {
	if len(l.remote) == 0 || l.options.Copy == "" {
		return
	}
	files, savedAt, err := l.readCopy()
	if err == nil {
		err = l.replace(files, true)
	}
	if err != nil {
		l.status.CopyErr = fmt.Errorf("the copy on disk cannot be used: %w", err)
		return
	}
	l.status.CopiedAt, l.status.CopyErr = savedAt, nil
}

func (l *Live[T]) readCopy() (files []strict.File, savedAt time.Time, err error) {
	data, err := os.ReadFile(l.options.Copy)
	if err != nil {
		return nil, time.Time{}, err
	}
	var c diskCopy
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %w", l.options.Copy, err)
	}
	if c.Version != copyVersion {
		return nil, time.Time{}, fmt.Errorf("%s: version %d, expected %d", l.options.Copy, c.Version, copyVersion)
	}
	contents := map[string]string{}
	for _, e := range c.Contents {
		contents[e.Name] = e.Content
	}
	var problems strict.Problems
	files = readFiles(l.globs, true, &problems)
	for _, name := range l.remote {
		content, there := contents[name]
		if !there {
			return nil, time.Time{}, errors.Join(problems.Err(), fmt.Errorf("%s: has no %s", l.options.Copy, name))
		}
		files = append(files, strict.File{Name: name, Data: []byte(content)})
	}
	sortFiles(files)
	return files, c.SavedAt, problems.Err()
}
