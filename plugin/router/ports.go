package router

import (
	"errors"
	"fmt"
	"net"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// portsAreFree looks before the start at what would end it: the stock server says
// in a log file only that a listener cannot have its port.
func portsAreFree(listeners []serverconfig.Listener) error {
	var taken []error
	for _, l := range listeners {
		at, err := net.Listen("tcp", l.Addr)
		if err != nil {
			taken = append(taken, fmt.Errorf("%s: %s: %w", l.At, l.Name, err))
			continue
		}
		at.Close()
	}
	return errors.Join(taken...)
}
