package router

import (
	"context"
	"errors"
	"net/netip"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// ErrNoList says that a caller gets no list, and keeps the list that it has: routing
// failed and failOpen is false, or the caller cannot be told.
var ErrNoList = errors.New("the server gives no list, see its log")

// Routed returns the list of a caller, for listeners whose protocol reads the
// registry past the discovery interface and that make their own answers. The list is
// nil where the stock list stands: no rule, shadow, outside of the rollout, no such
// service, or a fault with failOpen: true. A fault with failOpen: false is ErrNoList, and
// so is an invalid address, which is that of a caller that cannot be told, where rules may
// give the caller a list. Faults are counted and logged. The list is shared: read only. Such protocols have no
// auth on reads, so that auth is not asked.
func (s *Server) Routed(addr netip.Addr, service route.Service) (list *apiservice.DiscoverResponse, err error) {
	err = s.answerListener(addr, service, func(_ *request, o outcome) error {
		o.view.CountSent()
		list = o.view.Answer
		return nil
	})
	return list, err
}

// Roads returns what Routed returns as the roads of the caller's rule, for clients that fail
// over by themselves. But for `overprovision`, the first priority is the list of Routed. Both
// are by one decision. The roads are nil where the stock list stands; errors are those of
// Routed. The caller counts as one that asked; whoever sends the roads calls CountSent.
func (s *Server) Roads(addr netip.Addr, service route.Service) (roads *view.Roads, err error) {
	err = s.answerListener(addr, service, func(r *request, o outcome) (err error) {
		roads, _, err = s.views.Roads(&r.query, o.kind)
		return err
	})
	if err != nil {
		return nil, err
	}
	return roads, nil
}

// answerListener decides for a caller. Where the caller gets a view, take takes what the
// listener sends.
func (s *Server) answerListener(addr netip.Addr, service route.Service, take func(*request, outcome) error) error {
	if s.rules == nil {
		return nil
	}
	r, err := s.newRequest(context.Background(), s.stockWithoutAuth, &apiservice.DiscoverFilter{}, messageOf(service))
	if err == nil && !addr.IsValid() {
		return s.noListForUntold(r)
	}
	if err == nil {
		err = s.takeRouted(r, addr, take)
	}
	if err != nil {
		return s.Fault(service.String(), err)
	}
	return nil
}

// takeRouted calls take if the answer to a request is a view. A panic is an error.
func (s *Server) takeRouted(r *request, addr netip.Addr, take func(*request, outcome) error) (err error) {
	defer observe.Recovered(&err)
	o, err := s.decide(r, s.routeRequest(addr, r))
	if err != nil || o.why != route.WhyRouted || o.view == nil {
		return err
	}
	return take(r, o)
}

// Fault counts and logs a fault in routing a service, or an answer of several. Fault
// returns nil where the caller gets the stock answer (failOpen: true), and otherwise
// ErrNoList.
func (s *Server) Fault(what string, err error) error {
	count(nil, observe.ResultFailed)
	observe.Fault("routing failed", zap.String("service", explain.Plain(what)), zap.Bool("failOpen", s.config.FailOpen), zap.Error(err))
	if s.config.FailOpen {
		return nil
	}
	return ErrNoList
}
