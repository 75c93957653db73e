package httpapi

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/polarismesh/polaris/apiserver"
)

// stockListener serves one path, and the debug handler of its front, as the stock
// listener does: the server is known to nobody.
type stockListener struct {
	apiserver.Apiserver
	front *front
	port  int
}

func (s *stockListener) Run(errCh chan error) {
	mux := http.NewServeMux()
	mux.HandleFunc(handlerPath, s.front.handOver)
	mux.HandleFunc("/peer", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })
	server := http.Server{Addr: net.JoinHostPort(loopback, strconv.Itoa(s.port)), Handler: mux}
	errCh <- server.ListenAndServe()
}

// The front serves the handlers of the stock listener, which hears nobody any more. The
// handlers see the client. A request of which a part comes is not waited for without end.
func TestFront(t *testing.T) {
	defer func(d time.Duration) { headerTimeout = d }(headerTimeout)
	headerTimeout = 50 * time.Millisecond
	free, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	f, option, err := newFront(map[string]any{"listenIP": "127.0.0.1", "listenPort": port}, "http")
	if err != nil {
		t.Fatal(err)
	}
	stockPort := option["listenPort"].(int)
	ended := make(chan error)
	go func() { ended <- f.run(&stockListener{front: f, port: stockPort}) }()
	addr := net.JoinHostPort(loopback, strconv.Itoa(port))
	conn := dialWhenOpen(t, addr)
	defer conn.Close()
	fmt.Fprint(conn, "GET /peer HTTP/1.0\r\n\r\n")
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(answer), "\r\n"+conn.LocalAddr().String()) {
		t.Errorf("%q %v, want %s", answer, err, conn.LocalAddr())
	}
	if _, err := net.Dial("tcp", net.JoinHostPort(loopback, strconv.Itoa(stockPort))); err == nil {
		t.Error("the stock listener still listens")
	}
	half := dialWhenOpen(t, addr)
	defer half.Close()
	fmt.Fprint(half, "GET /peer HTTP/1.1\r\nHost:")
	if answer, err := io.ReadAll(half); err != nil || len(answer) > 0 {
		t.Errorf("half a header: %q %v", answer, err)
	}
	resp, err := http.Get("http://" + addr + handlerPath) // this must not end the front
	if err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("%v %v", resp, err)
	}
	f.stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func dialWhenOpen(t *testing.T, addr string) net.Conn {
	t.Helper()
	for range 1000 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			return conn
		}
		time.Sleep(5 * time.Millisecond) // until the front listens
	}
	t.Fatal("the front does not listen")
	return nil
}

// Where the stock listener fails, or the front is to stop, the front ends.
func TestFrontEnds(t *testing.T) {
	taken, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f, _, err := newFront(nil, "http")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.run(&stockListener{front: f, port: taken.Addr().(*net.TCPAddr).Port}); err == nil {
		t.Error("no error where the port of the stock listener is taken")
	}
	f.stop()
}
