package polaristest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Servers of tests listen on these ports. They are below the ports that outgoing
// connections get: a connection could take a port between FreePort and its use.
const (
	firstPort = 15000
	lastPort  = 29000
)

// taken has a UDP socket for each port that this process was given. While the UDP
// port of that number is bound, no other test is given the port: also before a
// server listens, and between a server's end and its next start.
var (
	takenMu sync.Mutex
	taken   []net.PacketConn
)

// FreePort returns a port that nobody listens on now, on loopback or any other
// address. No other call returns the port while this process lives. There are always
// free ports.
func FreePort() int {
	for {
		if port := firstPort + rand.IntN(lastPort-firstPort); take(port) {
			return port
		}
	}
}

// FreePortPair is FreePort for a port and the one that is NacosOffset above it.
func FreePortPair() int {
	for {
		if port := FreePort(); take(port + NacosOffset) {
			return port
		}
	}
}

// take reports whether nobody listens on a port. The port is then this process's.
func take(port int) bool {
	claim, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		claim.Close()
		return false
	}
	l.Close()
	takenMu.Lock()
	defer takenMu.Unlock()
	taken = append(taken, claim)
	return true
}
