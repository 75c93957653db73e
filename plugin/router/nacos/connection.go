package nacos

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polarismesh/polaris/apiserver/nacosserver/v2/remote"
	"github.com/polarismesh/polaris/common/eventhub"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// The stock handlers forget a client 20 s after the last refresh, and try to do so every
// few seconds.
const (
	refreshInterval = 5 * time.Second
	// refreshLimit is how old a refresh may be that the stock handlers surely have not
	// missed.
	refreshLimit = 12 * time.Second
)

// listener gives each connection an address that knows the connection.
type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return connWithAddress{conn}, nil
}

type connWithAddress struct{ net.Conn }

// RemoteAddr returns an address, whose text is the same.
func (c connWithAddress) RemoteAddr() net.Addr { return address{c.Conn.RemoteAddr(), c.Conn} }

// address is the remote address of a connection.
type address struct {
	net.Addr
	conn net.Conn
}

// connection is a connection of a client over gRPC. To the stock handlers the connection
// is a client, which comes with the first call, and whose instances go with the
// connection.
type connection struct {
	stock *stock
	conn  net.Conn // nil in tests without a network
	peer  string   // the address of whoever has connected, with its port
	zone  string   // makes the connection unlike every other to the stock handlers

	calls   sync.WaitGroup // the calls in work
	callers callers
	subscriptions

	mu        sync.Mutex
	ended     bool
	client    *remote.Client  // nil: there was no call yet
	tag       context.Context // of the client, for the stock handlers
	refreshed time.Time
	stream    *stream // nil: the client has none
}

// count makes each connection unlike every other.
var connectionCount atomic.Uint64

type connectionKey struct{}

// connectionOf returns the connection of a call.
func connectionOf(ctx context.Context) *connection {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	return c
}

// begin begins a call. It returns the client to the stock handlers, nil where the
// connection has ended. The caller of begin calls c.calls.Done, unless the client is nil.
func (c *connection) begin() *remote.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil
	}
	if c.client == nil {
		c.open()
	}
	c.calls.Add(1)
	return c.client
}

// open makes the client of the connection. The stock handlers are not told of the beginning:
// they do not need to know, and news of the beginning and of the end may come to them in
// the wrong order.
func (c *connection) open() {
	peer, _ := netip.ParseAddrPort(c.peer)
	addr := &net.TCPAddr{IP: location.Normalize(peer.Addr()).AsSlice(), Port: int(peer.Port()), Zone: c.zone}
	c.tag = c.stock.connections.TagConn(context.Background(), &stats.ConnTagInfo{RemoteAddr: addr})
	c.client, _ = c.stock.connections.GetClient(remote.ValueConnID(c.tag))
	c.stock.alive.Store(c.client.ID, nil)
	c.refreshed = time.Now()
}

// refresh keeps the stock handlers from forgetting the client. If the process stood still
// for so long that they may be doing so, the connection is ended: its client connects
// again.
func (c *connection) refresh() {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.client == nil || c.ended:
	case now.Sub(c.refreshed) > refreshLimit:
		c.close()
	default:
		c.refreshed = now
		c.stock.connections.RefreshClient(c.tag)
	}
}

// close ends the connection to the client.
func (c *connection) close() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

// end is called when the connection has ended. It waits for the calls in work: an instance
// that is registered after the end would stay for ever.
func (c *connection) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.calls.Wait()
	c.clear()
	if c.client == nil {
		return
	}
	c.stock.alive.Delete(c.client.ID)
	if time.Since(c.refreshed) < refreshLimit {
		c.stock.connections.UnRegisterConnection(c.client.ID)
		return
	}
	// The stock handlers may be forgetting the client at this moment. If they are told of
	// its end twice, the second time has no client in it, and the process ends. So they are
	// told here, and forget the client by themselves.
	_ = eventhub.Publish(remote.ClientConnectionEvent, &remote.ConnectionEvent{
		EventType: remote.EventClientDisConnected, ConnID: c.client.ID, Client: c.client,
	})
}

// callers are the callers whose calls a connection carries. A proxy for HTTP carries calls
// of several callers on one connection, and the pushes of all of them: there is no list
// that is right for the connection.
type callers struct {
	mu      sync.Mutex
	known   bool
	first   netip.Addr
	several bool
}

// note notes the caller of a call, and returns it. The address is invalid where the caller
// cannot be told, and where there are several.
func (c *callers) note(addr netip.Addr) netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known {
		c.known, c.first = true, addr
	}
	if c.first != addr {
		c.several = true
	}
	if c.several {
		return netip.Addr{}
	}
	return addr
}

// only returns the caller of all calls until now. The address is invalid where there is
// none, or several.
func (c *callers) only() netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.several {
		return netip.Addr{}
	}
	return c.first
}

// areSeveral reports whether calls of several callers came.
func (c *callers) areSeveral() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.several
}

// headerOf returns the metadata of a call.
func headerOf(ctx context.Context) metadata.MD {
	header, _ := metadata.FromIncomingContext(ctx)
	return header
}
