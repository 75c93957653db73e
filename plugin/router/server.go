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

	cachetypes "github.com/polarismesh/polaris/cache/api"
	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/zap"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

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
	services func() cachetypes.ServiceCache
	// selectFrom is route.Route.Select, but in tests that force a fault.
	selectFrom func(route.Route, []route.Instance) route.Decision

	snapshots sync.Map // snapshotKey to *snapshot
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

// request is one discovery request on its way.
type request struct {
	*Server
	ctx    context.Context
	filter *apiservice.DiscoverFilter
	req    *apiservice.Service // as sent, with the namespace filled in
	asked  route.Service
	rules  *route.Rules
	table  *location.Table
	exists bool // the name asked for is a service or alias of its own
}

func (s *Server) newRequest(ctx context.Context, filter *apiservice.DiscoverFilter, req *apiservice.Service) *request {
	if req.GetNamespace().GetValue() == "" { // as the stock server does
		req.Namespace = wrapperspb.String(service.DefaultNamespace)
	}
	return &request{
		Server: s, ctx: ctx, filter: filter, req: req,
		asked: route.Service{Namespace: req.GetNamespace().GetValue(), Name: req.GetName().GetValue()},
		rules: s.rules(), table: s.table(),
	}
}

func (r *request) answer() (resp *apiservice.DiscoverResponse, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	kind, why := r.rules.Route(r.routeRequest())
	if why != route.Routed {
		return r.stock(), nil
	}
	snap, refused := r.snapshot()
	if snap == nil {
		observe.Requests.WithLabelValues("refused").Inc()
		return r.named(refused), nil
	}
	view, err := snap.view(viewKey{kind, r.filter.GetOnlyHealthyInstance()}, r.selectFrom)
	if err != nil {
		return nil, err
	}
	if view.Service.GetRevision().GetValue() == r.req.GetRevision().GetValue() {
		observe.Requests.WithLabelValues("unchanged").Inc()
		return api.NewDiscoverInstanceResponse(apimodel.Code_DataNoChange, r.req), nil
	}
	result := "routed"
	if len(view.Instances) == 0 {
		result = "empty"
	}
	observe.Requests.WithLabelValues(result).Inc()
	return view, nil
}

func (r *request) routeRequest() route.Request {
	addr := callerAddr(r.ctx, r.trusted)
	caller := location.Resolver{Sources: r.sources, Default: r.table.Default()}.Caller(addr)
	return route.Request{Addr: addr, Caller: caller.Identity, Asked: r.asked, Read: r.read()}
}

// read are the services that the name asked for stands for: a Polaris alias,
// or services of other namespaces that are visible here. It notes in r.exists
// whether the name is one of its own.
func (r *request) read() []route.Service {
	services := r.services()
	found := services.GetServiceByName(r.asked.Name, r.asked.Namespace)
	r.exists = found != nil
	if !r.exists {
		var out []route.Service
		for _, v := range services.GetVisibleServicesInOtherNamespace(r.asked.Name, r.asked.Namespace) {
			out = append(out, route.Service{Namespace: v.Namespace, Name: v.Name})
		}
		return out
	}
	if !found.IsAlias() {
		return nil
	}
	source := services.GetServiceByID(found.Reference)
	if source == nil {
		return nil
	}
	return []route.Service{{Namespace: source.Namespace, Name: source.Name}}
}

// stock is the answer without routing. A lane address that is no service
// itself has that of its target: to the stock server it does not exist.
func (r *request) stock() *apiservice.DiscoverResponse {
	observe.Requests.WithLabelValues("stock").Inc()
	address, is := r.rules.Address(r.asked)
	if !is || r.exists {
		return r.DiscoverServer.ServiceInstancesCache(r.ctx, r.filter, r.req)
	}
	return r.named(r.DiscoverServer.ServiceInstancesCache(r.ctx, r.filter, r.requestFor(address.Target)))
}

// source is the service to read.
func (r *request) source() route.Service {
	if address, is := r.rules.Address(r.asked); is {
		return address.Target
	}
	return r.asked
}

// requestFor is the request with another name.
func (r *request) requestFor(source route.Service) *apiservice.Service {
	req := copyOf(r.req)
	req.Namespace = wrapperspb.String(source.Namespace)
	req.Name = wrapperspb.String(source.Name)
	return req
}

// named puts the name asked for into an answer about another service: SDKs
// wait for an answer under the name that they sent. Instances of an answer by
// the stock server are the caller's own copies.
func (r *request) named(resp *apiservice.DiscoverResponse) *apiservice.DiscoverResponse {
	if resp.GetService() == nil {
		return resp
	}
	resp.Service = copyOf(resp.Service)
	resp.Service.Namespace, resp.Service.Name = r.req.Namespace, r.req.Name
	for _, i := range resp.Instances {
		i.Namespace, i.Service = r.req.Namespace, r.req.Name
	}
	return resp
}

// copyOf is a shallow copy, whose fields may be set.
func copyOf(s *apiservice.Service) *apiservice.Service {
	c := *s
	return &c
}

func (r *request) failed(err error) *apiservice.DiscoverResponse {
	observe.Failures.Inc()
	observe.Requests.WithLabelValues("failed").Inc()
	observe.Log.Error("[SetRouter] routing failed", zap.Stringer("service", r.asked), zap.Bool("failOpen", r.failOpen), zap.Error(err))
	if r.failOpen {
		return r.stock()
	}
	// SDKs keep their list on a 4xx code, and leave the server on a 5xx.
	resp := api.NewDiscoverInstanceResponse(apimodel.Code_BadRequest, r.req)
	resp.Info = wrapperspb.String("routing failed in the server, see its log")
	return resp
}
