package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// novelSID is novel as L5 agents ask for it: an alias.
const novelSID = "1001:65537"

// overL5 asks a node's L5 listener as the agent at the address of a caller, until the
// context ends. Of these answers only leaks are checked.
func (s *soak) overL5(ctx context.Context, n *node, addr netip.Addr) {
	c := &caller{name: fmt.Sprintf("an L5 agent at %s", addr), addr: addr, node: n}
	for ctx.Err() == nil {
		if _, life := n.current(); life.up {
			a := answer{caller: c, asked: novelSID, node: n, life: life.number, begin: time.Now(), onlyLeak: true}
			asking, cancel := patience(ctx)
			list, err := polaristest.AskL5(asking, n.l5, addr, novelSID)
			cancel()
			if err == nil {
				a.end, a.resp = time.Now(), answerOfHosts(list)
				s.check.takeLeak(a)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(besides * s.plan.interval):
		}
	}
}

// answerOfHosts returns a routed answer of the Polaris protocol with instances of which
// only the address is known.
func answerOfHosts(list []netip.AddrPort) *apiservice.DiscoverResponse {
	resp := &apiservice.DiscoverResponse{Service: &apiservice.Service{Revision: wrapperspb.String(revisionPrefix + "l5")}}
	for _, at := range list {
		resp.Instances = append(resp.Instances, &apiservice.Instance{Id: wrapperspb.String(at.String())})
	}
	return resp
}
