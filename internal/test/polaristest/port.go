package polaristest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports that servers of tests listen on: below those that outgoing connections
// get, which could take one between the look and its use.
const (
	firstPort = 15000
	lastPort  = 29000
)

// taken are ports that this process was given. UDP has the same numbers: while
// one is bound there, no other test is given it, also before a server listens
// and between a server's end and its next start.
var (
	takenMu sync.Mutex
	taken   []net.PacketConn
)

// FreePort is a port that nobody listens on now, on loopback or any other
// address, and that no other call returns while this process lives. There are
// always some.
func FreePort() int {
	for {
		port := firstPort + rand.IntN(lastPort-firstPort)
		claim, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			claim.Close()
			continue
		}
		l.Close()
		takenMu.Lock()
		taken = append(taken, claim)
		takenMu.Unlock()
		return port
	}
}
