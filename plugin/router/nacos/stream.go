package nacos

import (
	"context"
	"errors"
	"io"
	"sync"

	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"github.com/polarismesh/polaris/apiserver/nacosserver/v2/remote"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// maxWaiting is how many messages of the stock handlers wait for a client that is slow.
const maxWaiting = 1000

var errEnded = status.Error(codes.Unavailable, "the connection has ended")

var errSlow = status.Error(codes.ResourceExhausted, "the client takes no messages")

// stream is the stream by which a client gets pushes. One goroutine sends: a client that
// is slow keeps nobody else waiting. A list that changes again before it is sent is sent
// once.
type stream struct {
	ctx  context.Context
	wake chan struct{} // has an element where there is something to send

	close func() // ends the connection

	mu      sync.Mutex
	queries map[query]bool     // lists to push
	order   []query            // of queries
	waiting []*nacospb.Payload // messages of the stock handlers
}

func newStream(ctx context.Context, end func()) *stream {
	return &stream{ctx: ctx, wake: make(chan struct{}, 1), close: end, queries: map[query]bool{}}
}

// push has a list pushed.
func (s *stream) push(q query) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.queries[q] {
		s.queries[q] = true
		s.order = append(s.order, q)
	}
	s.signal()
}

func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// send has a message of the stock handlers sent. The connection of a client that takes none
// is ended.
func (s *stream) send(p *nacospb.Payload) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.signal()
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if len(s.waiting) >= maxWaiting {
		s.close()
		return errSlow
	}
	s.waiting = append(s.waiting, p)
	return nil
}

// next returns what to send next: a message, or a query whose list is to be made. It is
// not ok where there is nothing.
func (s *stream) next() (p *nacospb.Payload, q query, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.waiting) > 0:
		p, s.waiting = s.waiting[0], s.waiting[1:]
		return p, q, true
	case len(s.order) > 0:
		q, s.order = s.order[0], s.order[1:]
		delete(s.queries, q)
		return nil, q, true
	}
	return nil, q, false
}

// run sends until the stream ends, and returns why. List makes the message that pushes a
// list, nil where there is nothing to push.
func (s *stream) run(send func(*nacospb.Payload) error, list func(query) (*nacospb.Payload, error)) error {
	for {
		select {
		case <-s.ctx.Done():
			return ended(context.Cause(s.ctx))
		case <-s.wake:
		}
		for p, q, ok := s.next(); ok && s.ctx.Err() == nil; p, q, ok = s.next() {
			if p == nil {
				var err error
				if p, err = list(q); err != nil {
					observe.Fault("a list cannot be pushed to a Nacos client", zap.Error(err))
				}
			}
			if p == nil {
				continue
			}
			if err := send(p); err != nil {
				return err
			}
		}
	}
}

// ended returns the status of a stream that has ended: a client that says that it sends no
// more is no fault.
func ended(why error) error {
	if errors.Is(why, io.EOF) {
		return nil
	}
	return why
}

// RequestBiStream serves the stream of a client.
func (s *connections) RequestBiStream(server nacospb.BiRequestStream_RequestBiStreamServer) (err error) {
	defer observe.Recovered(&err)
	c := connectionOf(server.Context())
	c.callers.note(s.routing.AddressOfCall(c.peer, headerOf(server.Context())))
	client := c.begin()
	if client == nil {
		return errEnded
	}
	defer c.calls.Done()
	ctx, cancel := context.WithCancelCause(server.Context())
	defer cancel(nil)
	out := newStream(ctx, c.close)
	c.setStream(out)
	defer c.dropStream(out)
	client.SetStreamRef(&remote.SyncServerStream{Stream: stockStream{ctx: ctx, out: out}})
	go func() { cancel(s.receive(c, server)) }()
	return out.run(server.Send, func(q query) (*nacospb.Payload, error) { return c.notify(s.routing, q) })
}

// receive takes the messages of a client until the stream ends, and returns why.
func (s *connections) receive(c *connection, server nacospb.BiRequestStream_RequestBiStreamServer) (err error) {
	defer observe.Recovered(&err)
	for {
		p, err := server.Recv()
		if err != nil {
			return err
		}
		if err := s.received(c, p); err != nil {
			return err
		}
	}
}

// setStream makes a stream the one of the connection: the client has opened a new one.
func (c *connection) setStream(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stream = s
}

func (c *connection) dropStream(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream == s {
		c.stream = nil
	}
}

// stockStream is a stream as the stock handlers know it: they send messages of the config
// center by it.
type stockStream struct {
	ctx context.Context
	out *stream
}

var _ grpc.ServerStream = stockStream{}

var errOnlySend = errors.New("nothing but messages is sent by this stream")

func (s stockStream) SetHeader(metadata.MD) error  { return errOnlySend }
func (s stockStream) SendHeader(metadata.MD) error { return errOnlySend }
func (s stockStream) SetTrailer(metadata.MD)       {}
func (s stockStream) Context() context.Context     { return s.ctx }
func (s stockStream) RecvMsg(any) error            { return errOnlySend }

// SendMsg has a message sent.
func (s stockStream) SendMsg(m any) error {
	p, ok := m.(*nacospb.Payload)
	if !ok {
		return errOnlySend
	}
	return s.out.send(p)
}
