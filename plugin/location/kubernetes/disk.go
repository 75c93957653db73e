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

// diskVersion is the version of the format of the copies on disk.
const diskVersion = 1

// diskCopy is the copy of a cluster on disk.
type diskCopy struct {
	Version int       `json:"version"`
	Options string    `json:"of"`    // the options under which the server read the records
	Heard   time.Time `json:"heard"` // when the API server last answered
	Pods    []Pod     `json:"pods"`
	Nodes   []Node    `json:"nodes"`
}

// readDisk returns a copy that was written under the same options. If there is no
// file, ok is false and err is nil.
func readDisk(name, options string) (c diskCopy, ok bool, err error) {
	err = diskcopy.Read(name, diskVersion, &c)
	if errors.Is(err, os.ErrNotExist) {
		return diskCopy{}, false, nil
	}
	if err != nil {
		return diskCopy{}, false, err
	}
	if c.Options != options {
		return diskCopy{}, false, fmt.Errorf("%s was written under other options, it is not used", name)
	}
	if err := c.check(); err != nil {
		return diskCopy{}, false, fmt.Errorf("%s: %w", name, err)
	}
	return c, true, nil
}

// check returns an error if the copy has addresses that the server never writes.
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
