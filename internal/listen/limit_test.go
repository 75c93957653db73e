package listen

import (
	"net"
	"sync"
	"testing"
	"time"

	connlimit "github.com/polarismesh/polaris/common/conn/limit"
)

// A connection under a limit may be closed by several goroutines at a time, and is counted
// once. Without the lock the race detector says so.
func TestLimitedConnIsClosedOnce(t *testing.T) {
	const protocol = "closed-once"
	config := &connlimit.Config{OpenConnLimit: true, MaxConnPerHost: 2, MaxConnLimit: 2, PurgeCounterInterval: time.Minute, PurgeCounterExpire: time.Minute}
	listener, err := Options{IP: "127.0.0.1", Protocol: protocol, ConnLimit: config}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer connlimit.RemoveLimitListener(protocol)
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	count := connlimit.GetLimitListener(protocol).GetListenerConnCount
	if count() != 1 {
		t.Errorf("%d connections before the end, want 1", count())
	}
	var closers sync.WaitGroup
	for range 4 {
		closers.Go(func() { _ = conn.Close() })
	}
	closers.Wait()
	if count() != 0 {
		t.Errorf("%d connections after the end, want 0", count())
	}
}
