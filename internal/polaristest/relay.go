package polaristest

import (
	"io"
	"net"
	"net/netip"
	"sync"
)

// Relay passes TCP connections on from a source address of its own: an SDK
// that connects to Addr is seen by the target at that address.
type Relay struct {
	Addr string // where to connect to

	listener net.Listener
	mu       sync.Mutex
	conns    map[net.Conn]bool
	closed   bool
	cut      bool
	wg       sync.WaitGroup
}

// NewRelay listens on loopback and dials target from source, an address of
// 127.0.0.0/8.
func NewRelay(source netip.Addr, target string) (*Relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{Addr: listener.Addr().String(), listener: listener, conns: map[net.Conn]bool{}}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}}
	r.wg.Go(func() { r.accept(dialer, target) })
	return r, nil
}

func (r *Relay) accept(dialer net.Dialer, target string) {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() {
			defer in.Close()
			out, err := dialer.Dial("tcp", target)
			if err != nil {
				return
			}
			defer out.Close()
			r.pass(in, out)
		})
	}
}

// pass copies both ways until both ends are closed.
func (r *Relay) pass(in, out net.Conn) {
	if !r.keep(in, out) {
		return
	}
	defer r.forget(in, out)
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = pair[0].Close()
		})
	}
	both.Wait()
}

func (r *Relay) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		r.conns[c] = true
	}
	return !r.closed && !r.cut
}

func (r *Relay) forget(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		delete(r.conns, c)
	}
}

// Cut ends every connection, and each new one at once, until Mend.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
	for c := range r.conns {
		_ = c.Close()
	}
}

// Mend lets connections through again.
func (r *Relay) Mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = false
}

// Close cuts every connection and waits until all goroutines have ended.
func (r *Relay) Close() error {
	err := r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
	return err
}
