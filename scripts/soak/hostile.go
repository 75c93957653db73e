package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// besides is how many times longer than callers those wait between two requests who ask
// beside them: over other protocols, or without honesty.
const besides = 4

// forges reports whether caller n claims in each request to be another caller. What a
// caller says of itself counts for nothing: it is judged as every other caller.
func forges(n int) bool { return n%5 == 4 }

// forgery returns headers by which the caller at an address claims to be a caller of
// another kind.
func forgery(addr netip.Addr) map[string]string {
	other := addr.As4()
	other[1] = byte(10 + (int(other[1])-10+2)%kindRegistered)
	claimed := netip.AddrFrom4(other).String()
	return map[string]string{"x-forwarded-for": claimed, "x-real-ip": claimed, "forwarded": "for=" + claimed, "client-ip": claimed}
}

// pairs returns headers as pairs of key and value.
func pairs(headers map[string]string) (out []string) {
	for key, value := range headers {
		out = append(out, key, value)
	}
	return out
}

// fakeService has the instances that somebody registers to become somebody else.
const fakeService = "fake"

// changeFake registers or deregisters an instance at the address of a caller, with a SET
// of another business, and with metadata that some protocols cannot say.
func (d *driver) changeFake(ctx context.Context) {
	ctx, cancel := patience(ctx)
	defer cancel()
	addr := addrOf(d.IntN(max(d.plan.callers, len(kinds))))
	i := polaristest.Instance{
		Namespace: namespace, Service: fakeService, Host: addr.String(), Port: 9000 + d.IntN(3), Healthy: d.chance(80), Weight: 100,
		Metadata: map[string]string{
			"internal-set-name": pick(d.draw, []string{"qb.novel.h", "ams.feed.h", "epp.core.bj"}), "internal-enable-set": "Y",
			"app.kubernetes.io/name": "a", "build time": "b", "<&>]]>": "\u0001<x>", "long": strings.Repeat("x", 4000),
		},
	}
	var err error
	kind := "fake"
	if d.chance(50) {
		kind = "fake gone"
		err = d.console().Deregister(ctx, i)
	} else {
		err = d.console().Register(ctx, i)
	}
	d.actions.note(kind, err, "%s", describe(i))
}

// unreadable are names that no service has.
var unreadable = []string{
	"", " ", "*", "nov?l", "novel\x00", "novel\n", "../novel", "default/novel", "{namespace: default, name: novel}", "NOVEL", "novel ",
	"𝓃ovel", "no\u200bvel", strings.Repeat("n", 200), strings.Repeat("n", 100_000),
}

// harass asks a node for what it cannot answer, until the context ends. No such answer
// may have an instance.
func (s *soak) harass(ctx context.Context, n *node) {
	for round := 0; ctx.Err() == nil; round++ {
		server, life := n.current()
		if life.up {
			s.harassOnce(ctx, n, server, life.number, round)
		}
		select {
		case <-ctx.Done():
		case <-time.After(besides * s.plan.interval):
		}
	}
}

func (s *soak) harassOnce(ctx context.Context, n *node, server *polaristest.Server, life, round int) {
	name := unreadable[round%len(unreadable)]
	space := []string{namespace, "Polaris", "no such", ""}[round/len(unreadable)%4]
	c := &caller{name: "somebody hostile", addr: netip.AddrFrom4([4]byte{127, 10, 2, byte(1 + n.number)}), node: n}
	a := answer{caller: c, asked: name, node: n, life: life, begin: time.Now()}
	check := func(resp *apiservice.DiscoverResponse) {
		s.check.count(&s.check.hostile)
		if slices.ContainsFunc(resp.GetInstances(), func(i *apiservice.Instance) bool { return i.GetNamespace().GetValue() != "Polaris" }) {
			a.resp, a.end = resp, time.Now()
			s.check.violate(a, fmt.Sprintf("instances for the name %.50q in namespace %q, which no service has", name, space))
		}
	}
	if stream, err := polaristest.Dial(ctx, server.GRPCAddr, c.addr, pairs(forgery(c.addr))...); err == nil {
		for _, revision := range []string{"", revisionPrefix + "0"} {
			if resp, err := stream.Instances(space, name, revision); err == nil {
				check(resp)
			}
		}
		_ = stream.Close()
	}
	switch round % 4 {
	case 0:
		_ = sendRaw(c.addr, server.HTTPAddr, "POST /v1/Discover HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"type\": 1")
	case 1:
		post(ctx, server.HTTPAddr, strings.NewReader(`{"type": 1, "service": {"name": [`+strings.Repeat("[", 10_000)))
	case 2:
		post(ctx, server.HTTPAddr, io.LimitReader(endless{}, 6<<20))
	case 3:
		_ = sendRaw(c.addr, server.GRPCAddr, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+strings.Repeat("\xff", 1000))
	}
}

// endless is JSON without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for n := range p {
		p[n] = '['
	}
	return len(p), nil
}

// post sends a body to /v1/Discover. Whatever the answer is, the server has to go on.
func post(ctx context.Context, addr string, body io.Reader) {
	ctx, cancel := patience(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/Discover", body)
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}

// sendRaw sends bytes over a connection, and leaves in the middle.
func sendRaw(from netip.Addr, to, text string) error {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}, Timeout: time.Second}
	conn, err := dialer.Dial("tcp", to)
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, text)
	time.Sleep(50 * time.Millisecond)
	return errors.Join(err, conn.Close())
}
