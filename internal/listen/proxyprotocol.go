package listen

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	proxyproto "github.com/pires/go-proxyproto"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Bounds of PROXY headers that are still to come. A proxy sends its header with the
// first packet.
const (
	proxyHeaderTimeout = 5 * time.Second
	maxProxyHeaders    = 4096 // waited for at a time, for each listener
)

// proxyLog bounds the lines in the log about refused connections.
var proxyLog = rate.NewLimiter(rate.Every(10*time.Second), 5)

// ProxyListener accepts connections of trusted proxies that begin with a header of the
// PROXY protocol, version 1 or 2, and connections of everybody else as they are. The
// remote address of a proxy's connection is the address in the header. Where the header
// says LOCAL, or names no address, the text of the remote address ends with
// location.LocalMark. A connection of a trusted proxy without a header is closed and
// counted (docs/design.md, 4).
//
// The headers are read before Accept returns their connections, so that limits of
// connections see the address of the caller. A slow proxy keeps nobody waiting.
type ProxyListener struct {
	net.Listener
	trust   func(netip.Addr) bool
	timeout time.Duration
	waiting chan struct{} // has an element for each header that is still to come

	ready  chan net.Conn
	failed chan error // of Accept, once
	closed chan struct{}
	close  sync.Once
}

// NewProxyListener returns a listener over another one. Trust reports whether an address
// is a trusted proxy's, and is called concurrently. Close ends the goroutines of the listener.
func NewProxyListener(inner net.Listener, trust func(netip.Addr) bool) *ProxyListener {
	return newProxyListener(inner, trust, proxyHeaderTimeout, maxProxyHeaders)
}

func newProxyListener(inner net.Listener, trust func(netip.Addr) bool, timeout time.Duration, most int) *ProxyListener {
	l := &ProxyListener{
		Listener: inner, trust: trust, timeout: timeout, waiting: make(chan struct{}, most),
		ready: make(chan net.Conn), failed: make(chan error, 1), closed: make(chan struct{}),
	}
	go l.accept()
	return l
}

// Accept returns the next connection, whose PROXY header is read.
func (l *ProxyListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.ready:
		return conn, nil
	case err := <-l.failed:
		l.failed <- err // for the next call
		return nil, err
	}
}

// Close implements net.Listener. It closes connections whose header is still to come.
func (l *ProxyListener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// accept hands connections on until the inner listener fails.
func (l *ProxyListener) accept() {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			if temporary := (interface{ Temporary() bool })(nil); errors.As(err, &temporary) && temporary.Temporary() { // as net/http
				time.Sleep(10 * time.Millisecond)
				continue
			}
			l.failed <- err
			return
		}
		peer := peerOf(conn)
		if !l.trust(peer) {
			l.offer(conn)
			continue
		}
		select {
		case l.waiting <- struct{}{}:
			go l.readHeader(conn, peer)
		default:
			l.refuse(conn, peer, "crowded", fmt.Errorf("%d headers are still to come, the most that are waited for", maxProxyHeaders))
		}
	}
}

// offer gives a connection to Accept, or closes the connection where the listener is closed.
func (l *ProxyListener) offer(conn net.Conn) {
	select {
	case l.ready <- conn:
	case <-l.closed:
		_ = conn.Close()
	}
}

// readHeader reads the header of a connection of a trusted proxy.
func (l *ProxyListener) readHeader(conn net.Conn, peer netip.Addr) {
	defer func() { <-l.waiting }()
	done := make(chan struct{})
	defer close(done)
	go func() { // Close does not wait for slow proxies
		select {
		case <-l.closed:
			_ = conn.SetReadDeadline(time.Unix(1, 0))
		case <-done:
		}
	}()
	_ = conn.SetReadDeadline(time.Now().Add(l.timeout))
	reader := bufio.NewReader(conn)
	header, err := proxyproto.Read(reader)
	if err != nil {
		l.refuse(conn, peer, refusal(err, reader.Buffered()), err)
		return
	}
	remote, err := remoteAddr(header, conn.RemoteAddr())
	if err != nil {
		l.refuse(conn, peer, "unreadable", err)
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	l.offer(&proxiedConn{Conn: conn, reader: reader, remote: remote})
}

// refuse closes a connection of a trusted proxy, and counts it.
func (l *ProxyListener) refuse(conn net.Conn, peer netip.Addr, reason string, err error) {
	defer conn.Close()
	observe.ProxyHeadersRefused.WithLabelValues(reason).Inc()
	if reason != refusedNothing && proxyLog.Allow() {
		observe.Log.Warn("[SetRouter] a connection of a trusted proxy is closed: expected a PROXY header, as proxyProtocol is true",
			zap.Stringer("peer", peer), zap.Stringer("listener", l.Addr()), zap.String("reason", reason), zap.Error(err))
	}
}

// refusedNothing is the reason where a connection was opened and closed, as balancers do
// that look whether somebody listens.
const refusedNothing = "nothing"

// refusal names why there is no header, for the metric, where so many bytes came.
func refusal(err error, came int) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, proxyproto.ErrNoProxyProtocol) && came == 0:
		return refusedNothing
	case errors.Is(err, proxyproto.ErrNoProxyProtocol):
		return "missing"
	}
	return "unreadable"
}

// remoteAddr returns the address of a connection with a header, with location.LocalMark
// behind the peer's own where the header names no caller.
func remoteAddr(header *proxyproto.Header, peer net.Addr) (net.Addr, error) {
	if header.Command.IsLocal() || header.TransportProtocol.IsUnspec() {
		return localAddr{peer}, nil
	}
	source, _, ok := header.TCPAddrs()
	if !ok {
		return nil, fmt.Errorf("the header is about %T, expected TCP over IPv4 or IPv6", header.SourceAddr)
	}
	return source, nil
}

// localAddr is the address of a peer that speaks for itself, as a balancer that looks
// whether the server is there.
type localAddr struct{ net.Addr }

func (a localAddr) String() string { return a.Addr.String() + location.LocalMark }

// proxiedConn is a connection behind its PROXY header.
type proxiedConn struct {
	net.Conn
	reader *bufio.Reader // has what came with the header
	remote net.Addr
}

func (c *proxiedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }

func (c *proxiedConn) RemoteAddr() net.Addr { return c.remote }

// peerOf returns the address of whoever has connected.
func peerOf(conn net.Conn) netip.Addr {
	addrPort, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
	return location.Normalize(addrPort.Addr())
}
