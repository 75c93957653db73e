package polaristest

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Relay passes TCP connections on from a source address of its own. When an SDK
// connects to Addr, the target sees the SDK at that source address.
type Relay struct {
	Addr string // to connect to

	header   string // sent to the target first; may be empty
	listener net.Listener
	mu       sync.Mutex
	target   string
	conns    map[net.Conn]bool
	closed   bool
	cut      bool
	held     bool
	asked    time.Time  // when a client sent something last
	moves    *sync.Cond // signals changes of held
	wg       sync.WaitGroup
}

// NewRelay listens on loopback and dials target from source, an address of
// 127.0.0.0/8.
func NewRelay(source netip.Addr, target string) (*Relay, error) {
	return newRelay("127.0.0.1:0", source, target, "")
}

// NewProxy is NewRelay, and begins every connection with a header of the PROXY protocol
// that names a caller's IPv4 address.
func NewProxy(source, caller netip.Addr, target string) (*Relay, error) {
	return newRelay("127.0.0.1:0", source, target, fmt.Sprintf("PROXY TCP4 %s 127.0.0.1 4000 80\r\n", caller))
}

func newRelay(addr string, source netip.Addr, target, header string) (*Relay, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	r := &Relay{Addr: listener.Addr().String(), header: header, listener: listener, target: target, conns: map[net.Conn]bool{}}
	r.moves = sync.NewCond(&r.mu)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: source.AsSlice()}}
	r.wg.Go(func() { r.accept(dialer) })
	return r, nil
}

func (r *Relay) accept(dialer net.Dialer) {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() {
			defer in.Close()
			target := r.currentTarget()
			out, err := dialer.Dial("tcp", target)
			if err != nil {
				return
			}
			defer out.Close()
			if _, err := io.WriteString(out, r.header); err != nil {
				return
			}
			r.pass(target, in, out)
		})
	}
}

// Asked returns when a client sent something last; the zero time before that.
func (r *Relay) Asked() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// pass copies both ways until both ends are closed.
func (r *Relay) pass(target string, in, out net.Conn) {
	if !r.keep(target, in, out) {
		return
	}
	defer r.forget(in, out)
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(holding{pair[0], r, pair[1] == in}, pair[1])
			_ = pair[0].Close()
		})
	}
	both.Wait()
}

// holding is a writer that waits while its relay holds data back.
type holding struct {
	io.Writer
	relay *Relay
	asks  bool // what is written comes from a client
}

func (h holding) Write(p []byte) (int, error) {
	h.relay.mu.Lock()
	if h.asks {
		h.relay.asked = time.Now()
	}
	for h.relay.held {
		h.relay.moves.Wait()
	}
	h.relay.mu.Unlock()
	return h.Writer.Write(p)
}

// keep notes the connections of a pair. It reports whether the relay still passes
// connections on to that target.
func (r *Relay) keep(target string, conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		r.conns[c] = true
	}
	return !r.closed && !r.cut && r.target == target
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

// Hold keeps every connection and passes nothing on until Release, like a network
// that loses packets.
func (r *Relay) Hold() { r.hold(true) }

// Release passes on what was held.
func (r *Relay) Release() { r.hold(false) }

func (r *Relay) hold(held bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = held
	r.moves.Broadcast()
}

func (r *Relay) currentTarget() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.target
}

// Turn ends every connection, and passes new ones on to another target.
func (r *Relay) Turn(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = target
	for c := range r.conns {
		_ = c.Close()
	}
}

// Close cuts every connection and waits until all goroutines have ended.
func (r *Relay) Close() error {
	err := r.listener.Close()
	r.Release()
	r.mu.Lock()
	r.closed = true
	for c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
	return err
}
