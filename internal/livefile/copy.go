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
	// Newest are the releases that none may undercut after a restart.
	Newest []Release `json:"newest,omitempty"`
}

type diskEntry struct {
	Name    string  `json:"name"`
	Content string  `json:"content"`
	Release Release `json:"release"`
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
			c.Contents = append(c.Contents, diskEntry{f.Name, string(f.Data), l.releases[f.Name]})
		}
	}
	for _, r := range l.newest {
		c.Newest = append(c.Newest, r)
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
		l.show()
	}
}

// useCopy takes the copy on disk into force, with the files of now.
func (l *Live[T]) useCopy() {
	if len(l.remote) == 0 || l.options.Copy == "" {
		return
	}
	c, err := l.readCopy()
	var files []strict.File
	if err == nil {
		files, err = l.copied(c)
	}
	if err == nil {
		err = l.replace(files, true)
	}
	if err != nil {
		l.status.CopyErr = fmt.Errorf("the copy on disk cannot be used: %w", err)
		return
	}
	releases := map[string]Release{}
	for _, e := range c.Contents {
		releases[e.Name] = e.Release
	}
	l.note(releases)
	l.status.CopiedAt, l.status.CopyErr = c.SavedAt, nil
}

// recall reads from the copy on disk which releases were in force before this
// start.
func (l *Live[T]) recall() {
	if len(l.remote) == 0 || l.options.Copy == "" {
		return
	}
	c, err := l.readCopy()
	if err != nil {
		return // useCopy says so, where it is needed
	}
	for _, r := range c.Newest {
		l.mark(r)
	}
}

func (l *Live[T]) readCopy() (c diskCopy, err error) {
	data, err := os.ReadFile(l.options.Copy)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("%s: %w", l.options.Copy, err)
	}
	if c.Version != copyVersion {
		return c, fmt.Errorf("%s: version %d, expected %d", l.options.Copy, c.Version, copyVersion)
	}
	return c, nil
}

// copied are the files of a copy, beside those on disk of now.
func (l *Live[T]) copied(c diskCopy) ([]strict.File, error) {
	contents := map[string]string{}
	for _, e := range c.Contents {
		contents[e.Name] = e.Content
	}
	var problems strict.Problems
	files := readFiles(l.globs, true, &problems)
	for _, name := range l.remote {
		content, there := contents[name]
		if !there {
			return nil, errors.Join(problems.Err(), fmt.Errorf("%s: has no %s", l.options.Copy, name))
		}
		files = append(files, strict.File{Name: name, Data: []byte(content)})
	}
	sortFiles(files)
	return files, problems.Err()
}
