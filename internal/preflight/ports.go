// Package preflight looks at what would end a start, before the start meets it:
// the stock server says of some of it where nobody looks, or not in plain words.
package preflight

import (
	"errors"
	"fmt"
	"net"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// Ports returns an error for each listener that cannot have its port; the stock
// server says that in a log file only.
func Ports(listeners []serverconfig.Listener) error {
	var taken []error
	for _, l := range listeners {
		listener, err := net.Listen("tcp", l.Addr)
		if err != nil {
			taken = append(taken, fmt.Errorf("%s: %s: %w", l.Origin, l.Name, err))
			continue
		}
		listener.Close()
	}
	return errors.Join(taken...)
}
