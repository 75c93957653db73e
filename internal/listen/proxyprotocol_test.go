package listen

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	proxyproto "github.com/pires/go-proxyproto"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// v2 returns a header of version 2 as a proxy sends it.
func v2(t testing.TB, command proxyproto.ProtocolVersionAndCommand, source string) string {
	t.Helper()
	address := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(source))
	header := proxyproto.HeaderProxyFromAddrs(2, address, address)
	header.Command = command
	text, err := header.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// listenLoopback returns a listener that trusts peers as told, and waits for headers as
// told.
func listenLoopback(t *testing.T, trusted bool, timeout time.Duration, most int) *ProxyListener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newProxyListener(inner, func(addr netip.Addr) bool { return trusted && addr == netip.MustParseAddr("127.0.0.1") }, timeout, most)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// send connects, and sends a text.
func send(t *testing.T, l net.Listener, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestProxyHeaders(t *testing.T) {
	const body = "what the client sends"
	long := "PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n"
	withTLV := v2(t, proxyproto.PROXY, "10.1.0.1:700")
	withTLV = withTLV[:14] + "\x00\x10" + withTLV[16:] + "\xe0\x00\x01x" // four bytes more, a TLV
	for _, c := range []struct {
		name      string
		untrusted bool
		header    string
		want      string // remote address; "peer": the peer's own
		refused   string // reason in the metric
	}{
		{name: "version 1, IPv4", header: "PROXY TCP4 10.1.0.1 10.9.0.1 700 8091\r\n", want: "10.1.0.1:700"},
		{name: "version 1, IPv6", header: "PROXY TCP6 2001:db8::1 2001:db8::2 700 8091\r\n", want: "[2001:db8::1]:700"},
		{name: "version 1, unknown", header: "PROXY UNKNOWN\r\n", want: "peer LOCAL"},
		{name: "version 1, unknown with addresses", header: "PROXY UNKNOWN 10.1.0.1 10.9.0.1 700 8091\r\n", want: "peer LOCAL"},
		{name: "version 2, IPv4", header: v2(t, proxyproto.PROXY, "10.1.0.1:700"), want: "10.1.0.1:700"},
		{name: "version 2, IPv6", header: v2(t, proxyproto.PROXY, "[2001:db8::1]:700"), want: "[2001:db8::1]:700"},
		{name: "version 2, more than addresses", header: withTLV, want: "10.1.0.1:700"},
		{name: "version 2, local", header: v2(t, proxyproto.LOCAL, "10.1.0.1:700"), want: "peer LOCAL"},
		{name: "version 2, local without an address", header: string(proxyproto.SIGV2) + "\x20\x00\x00\x00", want: "peer LOCAL"},
		{name: "no header", refused: "missing"},
		{name: "HTTP", header: "GET / HTTP/1.1\r\n", refused: "missing"},
		{name: "begins as a header", header: "PROXX TCP4\r\n", refused: "missing"},
		{name: "too long", header: long, refused: "unreadable"},
		{name: "no such family", header: "PROXY TCP5 10.1.0.1 10.9.0.1 700 8091\r\n", refused: "unreadable"},
		{name: "no address", header: "PROXY TCP4 10.1.0 10.9.0.1 700 8091\r\n", refused: "unreadable"},
		{name: "no port", header: "PROXY TCP4 10.1.0.1 10.9.0.1 70000 8091\r\n", refused: "unreadable"},
		{name: "IPv6 said to be IPv4", header: "PROXY TCP4 ::1 10.9.0.1 700 8091\r\n", refused: "unreadable"},
		{name: "another version", header: string(proxyproto.SIGV2) + "\x31\x11\x00\x0c" + strings.Repeat("\x00", 12), refused: "unreadable"},
		{name: "another command", header: string(proxyproto.SIGV2) + "\x25\x11\x00\x0c" + strings.Repeat("\x00", 12), refused: "unreadable"},
		{name: "UDP", header: string(proxyproto.SIGV2) + "\x21\x12\x00\x0c" + strings.Repeat("\x01", 12), refused: "unreadable"},
		{name: "a socket file", header: string(proxyproto.SIGV2) + "\x21\x31\x00\xd8" + strings.Repeat("a", 216), refused: "unreadable"},
		{name: "65 KB", header: string(proxyproto.SIGV2) + "\x21\x11\xff\xff" + strings.Repeat("\x01", 65535), refused: "unreadable"},
		{name: "not trusted", untrusted: true, header: "PROXY TCP4 10.1.0.1 10.9.0.1 700 8091\r\n", want: "peer"},
		{name: "not trusted, no header", untrusted: true, want: "peer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listenLoopback(t, !c.untrusted, proxyHeaderTimeout, 1)
			before := testutil.ToFloat64(observe.ProxyHeadersRefused.WithLabelValues(c.refused))
			client := send(t, l, c.header+body)
			if c.refused != "" {
				if got, err := io.ReadAll(client); len(got) > 0 || err != nil && !errors.Is(err, net.ErrClosed) && !isReset(err) {
					t.Errorf("the refused client reads %q, %v", got, err)
				}
				if got := testutil.ToFloat64(observe.ProxyHeadersRefused.WithLabelValues(c.refused)); got != before+1 {
					t.Errorf("refused for %s: %v times", c.refused, got-before)
				}
				return
			}
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = client.(*net.TCPConn).CloseWrite()
			want := strings.Replace(c.want, "peer", client.LocalAddr().String(), 1)
			if got := conn.RemoteAddr().String(); got != want {
				t.Errorf("remote address %q, expected %q", got, want)
			}
			read := body
			if c.untrusted {
				read = c.header + body
			}
			if got, err := io.ReadAll(conn); string(got) != read || err != nil {
				t.Errorf("read %q, %v, expected %q", got, err, read)
			}
		})
	}
}

// isReset reports whether the other side closed with something unread.
func isReset(err error) bool { return strings.Contains(err.Error(), "reset") }

// A header that is cut is never an address, at whatever byte.
func TestCutProxyHeaders(t *testing.T) {
	for _, header := range []string{"PROXY TCP4 10.1.0.1 10.9.0.1 700 8091\r\n", v2(t, proxyproto.PROXY, "10.1.0.1:700")} {
		for n := range len(header) {
			l := listenLoopback(t, true, proxyHeaderTimeout, 1)
			client := send(t, l, header[:n])
			_ = client.(*net.TCPConn).CloseWrite()
			if got, err := io.ReadAll(client); len(got) > 0 || err != nil && !isReset(err) {
				t.Errorf("cut at %d: read %q, %v", n, got, err)
			}
			_ = l.Close()
			if conn, err := l.Accept(); err == nil {
				t.Errorf("cut at %d: accepted as %s", n, conn.RemoteAddr())
			}
		}
	}
}

// A proxy that sends nothing is closed after a while, and keeps nobody waiting.
func TestSilentProxy(t *testing.T) {
	l := listenLoopback(t, true, 200*time.Millisecond, 8)
	before := testutil.ToFloat64(observe.ProxyHeadersRefused.WithLabelValues("timeout"))
	silent := send(t, l, "")
	send(t, l, "PROXY TCP4 10.1.0.1 10.9.0.1 700 8091\r\n")
	if conn, err := l.Accept(); err != nil || conn.RemoteAddr().String() != "10.1.0.1:700" {
		t.Fatal("the second proxy waits for the first:", err)
	}
	if got, err := io.ReadAll(silent); len(got) > 0 || err != nil {
		t.Errorf("the silent proxy reads %q, %v", got, err)
	}
	if got := testutil.ToFloat64(observe.ProxyHeadersRefused.WithLabelValues("timeout")); got != before+1 {
		t.Errorf("refused for the timeout: %v times", got-before)
	}
}

// A balancer that looks whether somebody listens is no fault of its configuration.
func TestProxyProbe(t *testing.T) {
	l := listenLoopback(t, true, proxyHeaderTimeout, 1)
	before := testutil.ToFloat64(observe.ProxyHeadersRefused.WithLabelValues(refusedNothing))
	client := send(t, l, "")
	_ = client.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(client); len(got) > 0 || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if got := testutil.ToFloat64(observe.ProxyHeadersRefused.WithLabelValues(refusedNothing)); got != before+1 {
		t.Errorf("counted %v times", got-before)
	}
}

// Only so many headers are waited for.
func TestCrowdedProxies(t *testing.T) {
	l := listenLoopback(t, true, proxyHeaderTimeout, 1)
	first := send(t, l, "")
	second := send(t, l, "")
	if got, err := io.ReadAll(second); len(got) > 0 || err != nil && !isReset(err) {
		t.Errorf("the second proxy reads %q, %v", got, err)
	}
	if _, err := io.WriteString(first, "PROXY TCP4 10.1.0.1 10.9.0.1 700 8091\r\n"); err != nil {
		t.Fatal(err)
	}
	if conn, err := l.Accept(); err != nil || conn.RemoteAddr().String() != "10.1.0.1:700" {
		t.Error("the first proxy:", err)
	}
}

// Close ends what waits: for a header, and for Accept.
func TestCloseProxyListener(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	l := listenLoopback(t, true, time.Hour, 8)
	silent := send(t, l, "")
	waiting := send(t, l, "PROXY TCP4 10.1.0.1 10.9.0.1 700 8091\r\n")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, conn := range []net.Conn{silent, waiting} {
		if got, err := io.ReadAll(conn); len(got) > 0 || err != nil && !isReset(err) {
			t.Errorf("read %q, %v", got, err)
		}
	}
	for range 2 {
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v", err)
		}
	}
}

// Whatever a trusted proxy sends, its connection is refused, or has the address of the
// header and then what follows the header.
func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 10.1.0.1 10.9.0.1 700 8091\r\nbody"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add([]byte(v2(f, proxyproto.PROXY, "[2001:db8::1]:700") + "body"))
	f.Add([]byte(v2(f, proxyproto.LOCAL, "10.1.0.1:700")))
	f.Fuzz(func(t *testing.T, sent []byte) {
		synctest.Test(t, func(t *testing.T) {
			server, client := net.Pipe()
			go func() {
				_, _ = client.Write(sent)
				_ = client.Close()
			}()
			l := &ProxyListener{timeout: time.Second, waiting: make(chan struct{}, 1), ready: make(chan net.Conn, 1), closed: make(chan struct{}), Listener: noListener{}}
			l.waiting <- struct{}{}
			l.readHeader(server, netip.MustParseAddr("10.9.0.1"))
			select {
			case conn := <-l.ready:
				rest, err := io.ReadAll(conn)
				if err != nil || !bytes.HasSuffix(sent, rest) {
					t.Fatalf("read %q of %q, %v", rest, sent, err)
				}
				header := sent[:len(sent)-len(rest)]
				if header, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(header))); err != nil {
					t.Fatalf("read alone: %v", err)
				} else if address := conn.RemoteAddr().String(); address != "pipe LOCAL" && address != header.SourceAddr.String() {
					t.Fatalf("address %q, expected %q", address, header.SourceAddr)
				}
			default: // refused
			}
		})
	})
}

// noListener is a listener that has an address only.
type noListener struct{ net.Listener }

func (noListener) Addr() net.Addr { return &net.TCPAddr{} }
