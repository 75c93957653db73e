package kubernetes

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/polaris-contrib/setrouter/internal/diskcopy"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// diskVersion is the version of the form of the copies on disk.
const diskVersion = 1

// diskCopy is what is on disk of a cluster.
type diskCopy struct {
	Version int       `json:"version"`
	Of      string    `json:"of"`    // the options under which the records were read
	Heard   time.Time `json:"heard"` // when the API server last said something
	Pods    []Pod     `json:"pods"`
	Nodes   []Node    `json:"nodes"`
}

// readDisk returns a copy that was made under the same options. Where there is
// no file, ok is false and there is no error.
func readDisk(name, of string) (c diskCopy, ok bool, err error) {
	err = diskcopy.Read(name, &c)
	if errors.Is(err, os.ErrNotExist) {
		return diskCopy{}, false, nil
	}
	if err != nil {
		return diskCopy{}, false, err
	}
	if c.Version != diskVersion || c.Of != of {
		return diskCopy{}, false, fmt.Errorf("%s was written under other options, it is not used", name)
	}
	if err := c.check(); err != nil {
		return diskCopy{}, false, fmt.Errorf("%s: %w", name, err)
	}
	return c, true, nil
}

// check looks for addresses that were not written: no caller has one.
func (c diskCopy) check() error {
	var all []netip.Addr
	for _, p := range c.Pods {
		all = append(all, p.Addrs...)
	}
	for _, n := range c.Nodes {
		all = append(all, n.Addrs...)
	}
	for _, addr := range all {
		if !addr.IsValid() || addr != location.Normalize(addr) {
			return fmt.Errorf("%q is no address of a pod or node, the copy is not used", addr)
		}
	}
	return nil
}
