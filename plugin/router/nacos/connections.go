package nacos

import (
	"context"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/stats"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// connections are the connections of Nacos clients over gRPC.
type connections struct {
	stock   *stock
	routing routing

	mu  sync.Mutex
	all map[*connection]struct{}
}

var _ stats.Handler = (*connections)(nil)

func newConnections(stock *stock, routing routing) *connections {
	return &connections{stock: stock, routing: routing, all: map[*connection]struct{}{}}
}

// TagConn implements stats.Handler.
func (s *connections) TagConn(ctx context.Context, info *stats.ConnTagInfo) context.Context {
	c := &connection{stock: s.stock, peer: info.RemoteAddr.String(), zone: strconv.FormatUint(connectionCount.Add(1), 36)}
	if addr, ok := info.RemoteAddr.(address); ok {
		c.conn = addr.conn
	}
	s.mu.Lock()
	s.all[c] = struct{}{}
	s.mu.Unlock()
	return context.WithValue(ctx, connectionKey{}, c)
}

// HandleConn implements stats.Handler.
func (s *connections) HandleConn(ctx context.Context, event stats.ConnStats) {
	if _, ok := event.(*stats.ConnEnd); !ok {
		return
	}
	c := connectionOf(ctx)
	s.mu.Lock()
	delete(s.all, c)
	s.mu.Unlock()
	go observe.Safely("the end of a Nacos connection", c.end)
}

// TagRPC implements stats.Handler.
func (s *connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (s *connections) HandleRPC(context.Context, stats.RPCStats) {}

// list returns the connections of this moment.
func (s *connections) list() []*connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*connection, 0, len(s.all))
	for c := range s.all {
		list = append(list, c)
	}
	return list
}

// run keeps the connections alive, and pushes lists that have changed, until the context
// is done.
func (s *connections) run(ctx context.Context) {
	go every(ctx, func() time.Duration {
		for _, c := range s.list() {
			c.refresh()
		}
		return refreshInterval
	})
	every(ctx, func() time.Duration {
		start := time.Now()
		observe.Safely("a look at the lists of Nacos clients", s.look)
		return nextLook(time.Since(start))
	})
}

// nextLook returns after how long to look again, when a look took so long: looks take a
// fifth of a processor at most.
func nextLook(took time.Duration) time.Duration { return max(lookInterval, 4*took) }

// every calls a function again and again, each time after as long as the call before has
// said, until the context is done.
func every(ctx context.Context, do func() time.Duration) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(do()):
		}
	}
}
