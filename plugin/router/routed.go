package router

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Routed is the list of a caller, for listeners whose protocol reads the
// registry past the discovery interface and filter their own answers by it. It
// is not ok where the stock answer stands: no rule, shadow, outside of the
// rollout, no such service, or a fault, which is logged and counted. The answer
// is shared: read only. Such protocols have no auth on reads, so that none is
// asked here.
func (s *Server) Routed(caller netip.Addr, service route.Service) (resp *apiservice.DiscoverResponse, ok bool) {
	if s.rules == nil {
		return nil, false
	}
	r := s.newRequest(withAddr(context.Background(), caller), &apiservice.DiscoverFilter{}, &apiservice.Service{
		Namespace: wrapperspb.String(service.Namespace), Name: wrapperspb.String(service.Name),
	})
	r.inner = s.origin
	defer func() {
		if p := recover(); p != nil {
			r.fault(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			resp, ok = nil, false
		}
	}()
	v, why, err := r.decide()
	switch {
	case err != nil:
		r.fault(err)
		return nil, false
	case why != route.WhyRouted || v == nil:
		return nil, false
	}
	v.sent.Inc()
	v.size.Observe(float64(len(v.resp.Instances)))
	return v.resp, true
}

// HasRules tells whether routing files are configured. It does not change.
func (s *Server) HasRules() bool { return s.rules != nil }

// CallerOf is the address of the caller of an HTTP request.
func (s *Server) CallerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return location.CallerAddr(peer.Addr(), s.trusted, r.Header.Values(headerForwardedFor), last(r.Header.Values(headerRealIP)))
}
