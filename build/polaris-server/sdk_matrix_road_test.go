package main

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
)

// road is a relay with a source address of its own, as polaristest.Relay, whose
// target can move: a server that starts again listens on other ports.
type road struct {
	addr    string
	source  netip.Addr
	target  atomic.Value // string; empty: none
	through atomic.Int32 // connections that found a server
	vain    atomic.Int32 // connections that found none
	hold    sync.RWMutex // while it is locked, new connections wait
}

// newRoad listens until the test ends.
func newRoad(t *testing.T, source netip.Addr, target string) *road {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	r := &road{addr: listener.Addr().String(), source: source}
	r.move(target)
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go r.pass(in)
		}
	}()
	return r
}

func (r *road) move(target string) { r.target.Store(target) }

func (r *road) pass(in net.Conn) {
	defer in.Close()
	r.hold.RLock()
	r.hold.RUnlock() //nolint:staticcheck // only waits
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: r.source.AsSlice()}}
	out, err := dialer.Dial("tcp", r.target.Load().(string))
	if err != nil {
		r.vain.Add(1)
		return
	}
	r.through.Add(1)
	defer out.Close()
	go func() {
		defer in.Close()
		_, _ = io.Copy(in, out)
	}()
	_, _ = io.Copy(out, in)
}
