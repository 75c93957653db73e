package listen

import (
	"net"
	"sync"
)

// limited is the stock connection limit, whose connections may be closed by several
// goroutines at a time, as gRPC does. The stock ones may not.
type limited struct{ net.Listener }

// Accept implements net.Listener.
func (l limited) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &limitedConn{Conn: conn}, nil
}

type limitedConn struct {
	net.Conn
	once sync.Once
	err  error
}

// Close closes the connection once. It may be called concurrently.
func (c *limitedConn) Close() error {
	c.once.Do(func() { c.err = c.Conn.Close() })
	return c.err
}
