// Package router is the Polaris side of SET routing: it stands around the
// server's discovery interface and answers requests for instances with the list
// that this caller should use.
//
// A request passes through these steps. names.go finds what the name asked for
// stands for; request.go is the request, and asks the stock server. Package
// caller says who asks. Package route decides, by the rules, what this caller
// gets. Package view keeps the lists that are sent. server.go puts the steps
// together, and says what happens when one of them fails. setup.go builds the
// server when Polaris starts.
//
// In directories below are the listeners, which import this package (discover,
// httpapi, eureka, nacos, xds; l5 is called by proxy.go), and what operators ask (admin, explain,
// world, nodes).
package router

import (
	"context"
	"net/netip"
	"sync"
	"time"

	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/backing"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/serverfiles"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/timeline"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Server routes the answers of one Polaris server. It is safe for concurrent
// use.
type Server struct {
	stock            service.DiscoverServer // behind its auth
	stockWithoutAuth service.DiscoverServer
	config           *serverconfig.Config

	rules   func() *route.Rules // nil: no routing files are configured
	table   func() *location.Table
	routing serverfiles.Handle // the routing files; nil: none are configured

	names   names
	sources []location.Source // of the identity of callers
	records *caller.Records   // nil without routing files
	recent  caller.Recent[netip.Addr]
	untold  caller.Untold
	// forwarded are the requests of peers that send a header of proxies and are not trusted.
	forwarded caller.Recent[netip.Addr]
	unknown   caller.Recent[world.UnknownRequest]
	views     *view.Store
	watch     timeline.Watch
	started   time.Time
	loads     loadMetric
	lookedAt  sync.Map           // listener to *atomic.Int64: when the callers of its looks were noted last, in ns
	backing   []*backing.Service // those that may go away
}

// instances answers a discovery request for instances (docs/design.md, 5.4). A fault
// in routing, also a panic, is logged and counted. The caller then gets the stock
// answer, or with failOpen: false the answer of KeepYours. What the stock server
// itself does with a request is not guarded here.
func (s *Server) instances(ctx context.Context, filter *apiservice.DiscoverFilter, message *apiservice.Service) *apiservice.DiscoverResponse {
	if message == nil { // the stock server panics
		return api.NewDiscoverInstanceResponse(apimodel.Code_EmptyRequest, nil)
	}
	if s.rules == nil || message.GetName().GetValue() == "" {
		return s.stock.ServiceInstancesCache(ctx, filter, message)
	}
	r, err := s.newRequest(ctx, s.stock, filter, message)
	var resp *apiservice.DiscoverResponse
	if err == nil {
		resp, err = s.answer(r)
	}
	if err != nil {
		return s.answerFault(r, err)
	}
	return resp
}

func (s *Server) answer(r *request) (resp *apiservice.DiscoverResponse, err error) {
	defer observe.Recovered(&err)
	addr, why := s.callerOf(r.ctx)
	if why != "" {
		return s.answerUntold(r), nil
	}
	o, err := s.decide(r, s.routeRequest(addr, r))
	switch {
	case err != nil:
		return nil, err
	case o.refused != nil:
		return o.refused, nil
	case o.why != route.WhyRouted:
		return r.stockAnswer(), nil
	case o.view.Revision == r.message.GetRevision().GetValue():
		o.view.CountUnchanged()
		return api.NewDiscoverInstanceResponse(apimodel.Code_DataNoChange, r.message), nil
	}
	o.view.CountSent()
	return o.view.Answer, nil
}

// routeRequest returns the caller of a request, in the form that rules are asked in.
func (s *Server) routeRequest(addr netip.Addr, r *request) route.Request {
	return route.Request{Addr: addr, Caller: s.Identify(addr).Identity, Resolved: r.query.Resolved}
}

// outcome is what a request comes to. With route.WhyRouted it is a view, or a refusal
// by the stock server. With any other reason the stock answer is sent.
type outcome struct {
	why     route.Why
	view    *view.View // also with route.WhyShadowed, for who compares
	kind    view.Kind  // of the view
	refused *apiservice.DiscoverResponse
}

// decide finds the view that answers a request. It counts the caller, and the
// requests that get no list of ours.
func (s *Server) decide(r *request, who route.Request) (outcome, error) {
	if who.Addr.IsValid() {
		s.recent.Count(who.Addr)
	}
	if who.Caller.SET == "" && len(who.Caller.SETs) == 0 && who.Caller.Location == (location.Location{}) {
		observe.Unidentified.Inc()
	}
	kind, why := r.query.Rules.Route(who, nil)
	if why != route.WhyRouted && why != route.WhyShadowed {
		count(kind.Rule, observe.ResultStock)
		s.views.NoteStock(&r.query, who.Addr, kind.Rule)
		return outcome{why: why}, nil
	}
	viewKind := view.Kind{Route: kind, OnlyHealthy: r.filter.GetOnlyHealthyInstance()}
	v, refused, err := s.views.View(&r.query, who.Addr, viewKind)
	switch {
	case err != nil:
		return outcome{}, err
	case refused != nil && (why == route.WhyShadowed || r.whyRefused(why, refused) == route.WhyNoTarget):
		// The stock server answers the name asked for, and asks its auth for that.
		count(kind.Rule, observe.ResultStock)
		return outcome{why: route.WhyNoTarget}, nil
	case refused != nil:
		count(kind.Rule, observe.ResultRefused)
		return outcome{why: why, refused: refused}, nil
	case why == route.WhyShadowed:
		v.CountShadow()
	}
	if v.Decision.CallerUnknown() && who.Addr.IsValid() {
		s.unknown.Count(world.UnknownRequest{Addr: who.Addr, Service: r.query.Service, Rule: kind.Rule.Name, Several: v.GivesEveryBusiness})
	}
	return outcome{why: why, view: v, kind: viewKind}, nil
}

// count counts a request that has no view.
func count(rule *route.Rule, result string) {
	name := ""
	if rule != nil {
		name = rule.Name
	}
	observe.Requests.WithLabelValues(name, "", "", result).Inc()
}

// answerFault answers a request whose routing failed.
func (s *Server) answerFault(r *request, err error) *apiservice.DiscoverResponse {
	if s.Fault(r.query.Service.String(), err) == nil {
		return r.stockAnswer()
	}
	return KeepYours(r.message, whyFault)
}
