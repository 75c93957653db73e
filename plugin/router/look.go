package router

import (
	"context"
	"net/netip"

	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// Look is a look at the lists of many callers, for listeners that push: whose list has
// changed since the last look. A look identifies each address once, resolves each name
// once, and finds the view of each kind of caller once. What a look finds is of the time
// when the look found it: a look is for one pass, and not for keeping. A Look is used by
// one goroutine.
//
// A look counts its callers as callers who ask (docs/design.md, 8), since they have the
// list. A look counts no requests: what is sent in the end is asked for by Routed of the
// server.
type Look struct {
	server   *Server
	callers  map[netip.Addr]location.Identity
	services map[route.Service]*lookedService
}

// lookedService is a service in a look.
type lookedService struct {
	request *request
	err     error
	untold  error // for callers that cannot be told
	views   map[route.Route]lookedView
	// revision is the stock revision; empty: not asked for yet.
	revision string
}

// lookedView is what callers of a kind get.
type lookedView struct {
	view *view.View // nil: the stock list stands, or the error says that there is none
	err  error
}

// Look returns a new look.
func (s *Server) Look() *Look {
	return &Look{server: s, callers: map[netip.Addr]location.Identity{}, services: map[route.Service]*lookedService{}}
}

// Routed returns the list of a caller as Server.Routed does. A fault is counted and logged
// once for each kind of caller.
func (l *Look) Routed(addr netip.Addr, service route.Service) (list *apiservice.DiscoverResponse, err error) {
	if l.server.rules == nil {
		return nil, nil
	}
	found := l.service(service)
	switch {
	case found.err != nil:
		return nil, found.err
	case found.request == nil: // a fault with failOpen: true
		return nil, nil
	case !addr.IsValid():
		return nil, found.untold
	}
	list, err = l.routed(found, addr)
	if err != nil && err != ErrNoList { // a panic
		err = l.server.Fault(service.String(), err)
	}
	return list, err
}

// StockRevision returns the revision of the stock list of a service. Stock lists with the
// same revision are equal. The revision of a service that does not exist is empty.
func (l *Look) StockRevision(service route.Service) string {
	found := l.service(service)
	if found.request == nil {
		return l.server.names.revisionOf(service)
	}
	if found.revision == "" {
		found.revision = found.request.stockRevision()
	}
	return found.revision
}

// service returns what a look knows of a service.
func (l *Look) service(service route.Service) *lookedService {
	found, ok := l.services[service]
	if ok {
		return found
	}
	found = &lookedService{views: map[route.Route]lookedView{}}
	l.services[service] = found
	r, err := l.server.newRequest(context.Background(), l.server.stockWithoutAuth, &apiservice.DiscoverFilter{}, messageOf(service))
	if err != nil {
		found.err = l.server.Fault(service.String(), err)
		return found
	}
	found.request = r
	if r.query.Rules.MayRoute(r.query.Resolved) {
		found.untold = ErrNoList
	}
	return found
}

// routed returns the list of a caller of a service.
func (l *Look) routed(found *lookedService, addr netip.Addr) (list *apiservice.DiscoverResponse, err error) {
	defer observe.Recovered(&err)
	identity, ok := l.callers[addr]
	if !ok {
		identity = l.server.Identify(addr).Identity
		l.callers[addr] = identity
		l.server.recent.Count(addr)
	}
	q := &found.request.query
	kind, why := q.Rules.Route(route.Request{Addr: addr, Caller: identity, Resolved: q.Resolved}, nil)
	if why != route.WhyRouted && why != route.WhyShadowed {
		l.server.views.NoteStock(q, addr, kind.Rule)
		return nil, nil
	}
	seen, ok := found.views[kind]
	if !ok {
		seen.view, seen.err = l.view(found.request, kind)
		found.views[kind] = seen
	}
	if seen.view == nil {
		return nil, seen.err
	}
	l.server.views.NoteView(q, addr, seen.view)
	if why == route.WhyShadowed {
		return nil, nil
	}
	return seen.view.Answer, nil
}

// view returns the view of a kind of caller, nil where the stock server has no list for
// the view.
func (l *Look) view(r *request, kind route.Route) (*view.View, error) {
	v, _, err := l.server.views.View(&r.query, netip.Addr{}, view.Kind{Route: kind})
	if err != nil {
		return nil, l.server.Fault(r.query.Service.String(), err)
	}
	return v, nil
}

// StockList returns the list of a service without routing. Where there is no such service,
// the list has no instances. The list is the asker's own, except for fields of its
// instances. Protocols whose reads have no auth ask for it.
func (s *Server) StockList(service route.Service) *apiservice.DiscoverResponse {
	r, err := s.newRequest(context.Background(), s.stockWithoutAuth, &apiservice.DiscoverFilter{}, messageOf(service))
	if err != nil {
		return s.stockWithoutAuth.ServiceInstancesCache(context.Background(), &apiservice.DiscoverFilter{}, messageOf(service))
	}
	return r.stockAnswer()
}

// stockRevision returns the revision of stockAnswer, without the answer where that can be
// had. Services that other namespaces export are read for it.
func (r *request) stockRevision() string {
	name := r.query.Service
	if r.query.Address != nil && !r.query.Exists {
		name = r.query.Address.Target
	}
	if revision := r.names.revisionOf(name); revision != "" {
		return revision
	}
	resp := r.stockAnswer()
	if apimodel.Code(resp.GetCode().GetValue()) != apimodel.Code_ExecuteSuccess {
		return ""
	}
	return resp.GetService().GetRevision().GetValue()
}
