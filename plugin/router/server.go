// Package router is the Polaris side of SET routing: it stands around the
// server's discovery interface and answers requests for instances with the
// list that this caller should use. What to choose is decided in package
// route; here is who asks, what is asked for, and how it is sent.
package router

import (
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	cachetypes "github.com/polarismesh/polaris/cache/api"
	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/zap"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/serverfiles"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

type chooser func(r route.Route, callee *route.Callee, own []route.Instance, before route.Held, now time.Time) (route.Decision, []route.Member, route.Held)

// Server is the discovery server with routing. Everything but
// ServiceInstancesCache is the embedded one's, the stock auth proxy. It is safe
// for concurrent use.
type Server struct {
	service.DiscoverServer
	failOpen bool
	trusted  []netip.Prefix
	table    func() *location.Table
	rules    func() *route.Rules // nil: no routing configured
	sources  []location.Source
	pods     podSource
	services func() cachetypes.ServiceCache
	// revisionOf is the stock server's revision of the instances of a service,
	// by its id; it is nil in tests that do without.
	revisionOf func(serviceID string) string
	now        func() time.Time // for evacuations
	// choose is route.Route.Settle, but in tests that force a fault.
	choose chooser

	snapshots sync.Map // snapshotKey to *snapshot
	gates     sync.Map // snapshotKey to *sync.Mutex, held while a snapshot is made
	changes   changeLog
	seen      seenCallers

	// For the admin listener.
	origin  service.DiscoverServer // the server without auth
	config  *serverconfig.Config
	routing serverfiles.Handle // nil: no routing configured
	started time.Time
	// settings is the digest of those that lists depend on.
	settings string
}

// ServiceInstancesCache answers a discovery request for instances. A fault in
// routing, also a panic, is logged and counted, and the caller gets the stock
// answer, or an error with failOpen: false.
func (s *Server) ServiceInstancesCache(ctx context.Context, filter *apiservice.DiscoverFilter,
	req *apiservice.Service) *apiservice.DiscoverResponse {

	if s.rules == nil || req.GetName().GetValue() == "" {
		return s.DiscoverServer.ServiceInstancesCache(ctx, filter, req)
	}
	r := s.newRequest(ctx, filter, req)
	resp, err := r.answer()
	if err != nil {
		return r.failed(err)
	}
	return resp
}

func (s *Server) newRequest(ctx context.Context, filter *apiservice.DiscoverFilter, req *apiservice.Service) *request {
	if req.GetNamespace().GetValue() == "" { // as the stock server does
		req.Namespace = wrapperspb.String(service.DefaultNamespace)
	}
	return &request{
		Server: s, inner: s.DiscoverServer, ctx: ctx, filter: filter, req: req,
		asked: route.Service{Namespace: req.GetNamespace().GetValue(), Name: req.GetName().GetValue()},
		rules: s.rulesInForce(), table: s.table(),
	}
}

func (r *request) answer() (resp *apiservice.DiscoverResponse, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	v, why, err := r.decide()
	switch {
	case err != nil:
		return nil, err
	case r.refused != nil:
		return r.named(r.refused), nil
	case !knowsPeer(r.ctx) && r.rules.Concern(route.Request{Asked: r.asked, Read: r.read()}):
		return r.withoutPeer(), nil
	case why != route.WhyRouted:
		return r.stock(), nil
	case v.revision == r.req.GetRevision().GetValue():
		v.unchanged.Inc()
		return api.NewDiscoverInstanceResponse(apimodel.Code_DataNoChange, r.req), nil
	}
	v.sent.Inc()
	v.size.Observe(float64(len(v.resp.Instances)))
	return v.resp, nil
}

// decide finds the view that answers the request: nil where the stock answer is
// sent, or the stock server refuses the request. It counts what needs no list.
func (r *request) decide() (*view, route.Why, error) {
	who := r.routeRequest()
	r.seen.note(who.Addr)
	if who.Caller.SET == "" && who.Caller.Location == (location.Location{}) {
		observe.Unidentified.Inc()
	}
	kind, why := r.rules.Route(who)
	if why != route.WhyRouted && why != route.WhyShadowed {
		r.count(kind.Rule, observe.Stock)
		return nil, why, nil
	}
	v, refused, err := r.view(kind)
	switch {
	case err != nil:
		return nil, why, err
	case refused != nil && (why == route.WhyShadowed || r.targetIsGone(refused)):
		// The name asked for has an answer of its own, auth included.
		r.count(kind.Rule, observe.Stock)
		return nil, route.WhyNoTarget, nil
	case refused != nil:
		r.refused = refused
		r.count(kind.Rule, observe.Refused)
		return nil, why, nil
	case why == route.WhyShadowed:
		v.countShadow()
	}
	return v, why, nil
}

// withoutPeer answers a request that came past the pack's handler of
// /v1/Discover, as to /v1/Discover%2F: the stock one does not tell who asks, and
// a list for nobody in particular would be another caller's. Auth comes first.
func (r *request) withoutPeer() *apiservice.DiscoverResponse {
	resp := r.stock()
	if resp.GetCode().GetValue() <= uint32(apimodel.Code_DataNoChange) {
		resp = api.NewDiscoverInstanceResponse(apimodel.Code_BadRequest, r.req)
		resp.Info = wrapperspb.String("the server cannot tell who asks, expected POST /v1/Discover")
	}
	return resp
}

// targetIsGone tells whether a lane address, whose name is a service of its own,
// has a target that is none: a working service must not go with it.
func (r *request) targetIsGone(refused *apiservice.DiscoverResponse) bool {
	return r.address != nil && r.exists && apimodel.Code(refused.GetCode().GetValue()) == apimodel.Code_NotFoundResource
}

// view is the answer for a kind of caller, or the stock server's refusal.
func (r *request) view(kind route.Route) (*view, *apiservice.DiscoverResponse, error) {
	snap, refused, err := r.snapshot(r.source())
	if snap == nil {
		return nil, refused, err
	}
	own, refused, err := r.ownSnapshot(kind.Rule)
	if refused != nil || err != nil {
		return nil, refused, err
	}
	v, err := snap.view(r, viewKey{kind, r.filter.GetOnlyHealthyInstance()}, own)
	return v, nil, err
}

// ownSnapshot is that of the own service of a lane address, and nil where there
// is none or the answer does not depend on it. The server is asked all the same:
// the caller may not be allowed to read it.
func (r *request) ownSnapshot(rule *route.Rule) (*snapshot, *apiservice.DiscoverResponse, error) {
	if !rule.IsAddress() || !r.exists {
		return nil, nil, nil
	}
	own, refused, err := r.snapshot(r.asked)
	if own == nil {
		return nil, refused, err
	}
	return own.ifNeeded(rule), nil, nil
}

// ifNeeded is nil where the answers of a lane address do not depend on its own
// service.
func (own *snapshot) ifNeeded(rule *route.Rule) *snapshot {
	if rule.Blends() || rule.Shadow {
		return own
	}
	return nil
}

// count counts a request that has no view.
func (r *request) count(rule *route.Rule, result string) {
	name := ""
	if rule != nil {
		name = rule.Name
	}
	observe.Requests.WithLabelValues(name, "", "", result).Inc()
}

// fault counts and logs a fault in routing.
func (r *request) fault(err error) {
	observe.Failures.Inc()
	r.count(nil, observe.Failed)
	observe.Log.Error("[SetRouter] routing failed", zap.String("service", explain.Plain(r.asked.String())), zap.Bool("failOpen", r.failOpen), zap.Error(err))
}

func (r *request) failed(err error) *apiservice.DiscoverResponse {
	r.fault(err)
	if r.failOpen {
		return r.stock()
	}
	// SDKs keep their list on a 4xx code, and leave the server on a 5xx.
	resp := api.NewDiscoverInstanceResponse(apimodel.Code_BadRequest, r.req)
	resp.Info = wrapperspb.String("routing failed in the server, see its log")
	return resp
}
