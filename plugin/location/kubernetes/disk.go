package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// diskVersion is that of the form of the copies on disk.
const diskVersion = 1

// diskCopy is what is on disk of a cluster.
type diskCopy struct {
	Version int       `json:"version"`
	Of      string    `json:"of"`    // the options under which the records were read
	Heard   time.Time `json:"heard"` // when the API server last said something
	Pods    []Pod     `json:"pods"`
	Nodes   []Node    `json:"nodes"`
}

// readDisk reads a copy that was made under the same options. A file that is
// not there is no error, and not ok.
func readDisk(name, of string) (c diskCopy, ok bool, err error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return c, false, nil
	}
	if err != nil {
		return c, false, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return diskCopy{}, false, fmt.Errorf("%s: %w", name, err)
	}
	if c.Version != diskVersion || c.Of != of {
		return diskCopy{}, false, fmt.Errorf("%s was written under other options, it is not used", name)
	}
	return c, true, nil
}
