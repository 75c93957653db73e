package router

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// noteInterval is how often the callers of looks are noted as callers who ask. It is well
// below view.AskedWithin.
const noteInterval = 10 * time.Second

// Look is a look at the lists of many callers, for listeners that push: whose list has
// changed since the last look. A look identifies each address once, resolves each name
// once, and decides once for each kind of caller and service. What a look finds is of the
// time when the look found it: a look is for one pass, and not for keeping. A Look is used
// by one goroutine.
//
// The callers of looks count as callers who ask (docs/design.md, 8), since they have the
// list. A look counts no requests: what is sent in the end is asked for by Server.Routed.
type Look struct {
	server   *Server
	rules    *route.Rules
	now      time.Time
	notes    bool // callers are noted
	callers  map[netip.Addr]lookedCaller
	keyOf    func(netip.Addr) string // of what rules see of an address
	kinds    map[string]int          // numbers of callers who are alike in all that rules see
	services map[route.Service]*lookedService
}

// lookedCaller is an address in a look.
type lookedCaller struct {
	identity location.Identity
	kind     int
}

// lookedService is a service in a look.
type lookedService struct {
	request  *request
	err      error
	untold   error // for callers that cannot be told
	decided  map[int]lookedList
	roads    map[int]lookedRoads
	revision string // of the stock list; empty: not asked for yet
}

// lookedList is what callers of a kind get.
type lookedList struct {
	why  route.Why
	rule *route.Rule
	view *view.View // nil: the stock list stands, or the error says that there is none
	err  error
}

// lookedRoads are the roads of callers of a kind.
type lookedRoads struct {
	roads *view.Roads
	err   error
}

// Look returns a new look. Listener names who looks, so that each listener's callers are
// noted.
func (s *Server) Look(listener string) *Look {
	l := &Look{
		server: s, rules: s.Rules(), now: s.views.Now(), callers: map[netip.Addr]lookedCaller{}, kinds: map[string]int{},
		services: map[route.Service]*lookedService{},
	}
	value, _ := s.lookedAt.LoadOrStore(listener, &atomic.Int64{})
	lookedAt := value.(*atomic.Int64)
	if last := lookedAt.Load(); l.now.UnixNano()-last >= int64(noteInterval) {
		l.notes = lookedAt.CompareAndSwap(last, l.now.UnixNano())
	}
	return l
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

// Roads returns the roads of a caller as Server.Roads does, with the list of Routed as the
// first priority.
func (l *Look) Roads(addr netip.Addr, service route.Service) (*view.Roads, error) {
	list, err := l.Routed(addr, service)
	if list == nil || err != nil {
		return nil, err
	}
	found, who := l.service(service), l.caller(addr)
	q := &found.request.query
	made, ok := found.roads[who.kind]
	if !ok || q.Rules != l.rules {
		kind, _ := q.Rules.Route(route.Request{Addr: addr, Caller: who.identity, Resolved: q.Resolved}, nil)
		if made.roads, _, made.err = l.server.views.Roads(q, view.Kind{Route: kind}); made.err != nil {
			made.err = l.server.Fault(service.String(), made.err)
		}
		found.roads[who.kind] = made
	}
	return made.roads, made.err
}

// StockRevision is Server.StockRevision.
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
	found = &lookedService{decided: map[int]lookedList{}, roads: map[int]lookedRoads{}}
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
	q, who := &found.request.query, l.caller(addr)
	decided, ok := found.decided[who.kind]
	if !ok || q.Rules != l.rules { // other rules came into force meanwhile: each caller by itself
		decided = l.decide(found.request, route.Request{Addr: addr, Caller: who.identity, Resolved: q.Resolved})
		found.decided[who.kind] = decided
	}
	switch {
	case decided.err != nil:
		return nil, decided.err
	case decided.view == nil:
		if l.notes {
			l.server.views.NoteStock(q, addr, decided.rule)
		}
		return nil, nil
	case l.notes:
		l.server.views.NoteView(q, addr, decided.view)
	}
	if decided.why == route.WhyShadowed {
		return nil, nil
	}
	return decided.view.Answer, nil
}

// caller returns what a look knows of a caller.
func (l *Look) caller(addr netip.Addr) lookedCaller {
	who, ok := l.callers[addr]
	if ok {
		return who
	}
	if l.keyOf == nil {
		l.keyOf = l.rules.AddressKeys()
	}
	who.identity = l.server.Identify(addr).Identity
	id := who.identity
	key := fmt.Sprint(id.Location, "|", id.AllSETs(), "|", id.Labels, "|", l.keyOf(addr)) // maps print sorted
	if who.kind, ok = l.kinds[key]; !ok {
		who.kind = len(l.kinds)
		l.kinds[key] = who.kind
	}
	l.callers[addr] = who
	if l.notes {
		l.server.recent.Count(addr)
	}
	return who
}

// decide finds what callers of a kind get.
func (l *Look) decide(r *request, who route.Request) (list lookedList) {
	kind, why := r.query.Rules.Route(who, nil)
	list = lookedList{why: why, rule: kind.Rule}
	if why != route.WhyRouted && why != route.WhyShadowed {
		return list
	}
	var err error
	if list.view, _, err = l.server.views.View(&r.query, netip.Addr{}, view.Kind{Route: kind}); err != nil {
		list.view, list.err = nil, l.server.Fault(r.query.Service.String(), err)
	}
	return list
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

// StockRevision returns the revision of StockList: lists with the same revision are equal.
// The revision is empty where there is no such service, and where the service never had an
// instance. It is none of those that the answers of Polaris have.
func (s *Server) StockRevision(service route.Service) string {
	r, err := s.newRequest(context.Background(), s.stockWithoutAuth, &apiservice.DiscoverFilter{}, messageOf(service))
	if err != nil {
		return s.names.revisionOf(service)
	}
	return r.stockRevision()
}

// stockRevision returns the revision of stockAnswer.
func (r *request) stockRevision() string {
	switch {
	case r.query.Exists:
		return r.names.revisionOf(r.query.Service)
	case r.query.Address != nil:
		return r.names.revisionOf(r.query.Address.Target)
	}
	var all []string
	for _, exported := range r.query.Read { // by other namespaces
		all = append(all, r.names.revisionOf(exported))
	}
	return strings.Join(all, " ")
}
