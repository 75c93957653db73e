package polaristest

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports that servers of tests listen on: below those that outgoing connections
// get, which could take one between the look and its use.
const (
	firstPort = 15000
	lastPort  = 29000
)

// FreePort is a port that nobody listens on now, on loopback or any other
// address. There are always some.
func FreePort() int {
	for {
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
}
