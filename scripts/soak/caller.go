package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/protoadapt"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// caller asks for one name after the other, over HTTP or gRPC, from an address
// of its own. It keeps the lists that it got, as SDKs do.
type caller struct {
	name      string
	addr      netip.Addr
	stays     bool // keeps to its node while the node is down
	node      *node
	connected process // to which it may have a connection
	ask       func(ctx context.Context, server *polaristest.Server, name, revision string) (*apiservice.DiscoverResponse, error)
	hangUp    func()
	lists     map[string]*apiservice.DiscoverResponse // by name asked for
	polls     map[string]polling
}

// polling is since when a caller has asked a process for a name without a gap.
type polling struct {
	process
	since time.Time
	last  time.Time
}

// mostGap is the longest time between two requests that does not count as a gap.
const mostGap = 4 * time.Second

// answer is what a caller has after a request.
type answer struct {
	*caller
	asked        string
	node         *node
	life         int
	begin, end   time.Time
	pollingSince time.Time // see polling
	resp         *apiservice.DiscoverResponse
	unchanged    bool // resp is the answer before: the server said DataNoChange
	onlyLeak     bool // resp says which instances came, and no more
}

func newCaller(number int, n *node) *caller {
	c := &caller{
		addr: addrOf(number), stays: number/len(kinds)%3 > 0, node: n,
		lists: map[string]*apiservice.DiscoverResponse{}, polls: map[string]polling{},
	}
	headers := map[string]string{}
	if forges(number) {
		headers = forgery(c.addr)
	}
	c.name = fmt.Sprintf("caller %d at %s over gRPC, headers %v", number, c.addr, headers)
	c.overGRPC(headers)
	if number/len(kinds)%2 == 1 {
		c.name = fmt.Sprintf("caller %d at %s over HTTP, headers %v", number, c.addr, headers)
		c.overHTTP(headers)
	}
	return c
}

func (c *caller) overGRPC(headers map[string]string) {
	var stream *polaristest.Stream
	c.hangUp = func() {
		if stream != nil {
			_ = stream.Close()
		}
		stream = nil
	}
	c.ask = func(ctx context.Context, server *polaristest.Server, name, revision string) (resp *apiservice.DiscoverResponse, err error) {
		if stream == nil {
			if stream, err = polaristest.Dial(ctx, server.GRPCAddr, c.addr, pairs(headers)...); err != nil {
				return nil, err
			}
		}
		return stream.Instances(namespace, name, revision)
	}
}

func (c *caller) overHTTP(headers map[string]string) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: c.addr.AsSlice()}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	client := http.Client{Transport: transport, Timeout: 20 * time.Second}
	c.hangUp = transport.CloseIdleConnections
	c.ask = func(ctx context.Context, server *polaristest.Server, name, revision string) (*apiservice.DiscoverResponse, error) {
		body, err := json.Marshal(map[string]any{
			"type": 1, "service": map[string]string{"namespace": namespace, "name": name, "revision": revision},
		})
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+server.HTTPAddr+"/v1/Discover", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		for key, value := range headers {
			req.Header.Set(key, value)
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		d := &apiservice.DiscoverResponse{}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, protoadapt.MessageV2Of(d)); err != nil {
			return nil, fmt.Errorf("%s: %w: %.200s", resp.Status, err, text)
		}
		return d, nil
	}
}

// Codes of discovery.
const (
	codeOK        = 200000
	codeUnchanged = 200001
)

// keepAsking asks until the context ends.
func (c *caller) keepAsking(ctx context.Context, s *soak, interval time.Duration) {
	defer c.hangUp()
	for n := 0; ctx.Err() == nil; n++ {
		c.askOnce(ctx, s, names[n%len(names)].asked)
		select {
		case <-ctx.Done():
		case <-time.After(interval):
		}
	}
}

func (c *caller) askOnce(ctx context.Context, s *soak, name string) {
	server, life := c.node.current()
	if current := (process{c.node.number, life.number}); current != c.connected {
		c.hangUp()
		c.connected = current
	}
	a := answer{caller: c, asked: name, node: c.node, life: life.number, begin: time.Now()}
	before := c.lists[name]
	resp, err := c.ask(ctx, server, name, before.GetService().GetRevision().GetValue())
	a.end = time.Now()
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		c.hangUp()
		_, after := c.node.current()
		if life.up && after == life {
			s.check.violate(a, fmt.Sprintf("no answer while the node is up: %v", err))
		}
		s.check.count(&s.check.unreachable)
		if !c.stays {
			c.node = s.other(c.node)
		}
		return
	}
	p := c.polls[name]
	if p.process != c.connected || a.begin.Sub(p.last) > mostGap {
		p = polling{process: c.connected, since: a.begin}
	}
	p.last = a.end
	c.polls[name], a.pollingSince = p, p.since
	a.resp, a.unchanged = resp, false
	switch resp.GetCode().GetValue() {
	case codeOK:
		c.lists[name] = resp
	case codeUnchanged:
		a.resp, a.unchanged = before, true
	}
	s.check.take(a, resp.GetCode().GetValue(), resp.GetInfo().GetValue())
}
