package router

import (
	"context"
	"fmt"

	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// NotFound is the error for a service that does not exist.
type NotFound struct {
	Service route.Service
	Address route.Service // that Service is the target of, if it was asked for by one
}

// Error names the service and, where there is one, the lane address.
func (e NotFound) Error() string {
	if e.Address != (route.Service{}) {
		return fmt.Sprintf("there is no service %q, the target of the lane address %q", e.Service, e.Address)
	}
	text := fmt.Sprintf("there is no service %q, nor a lane address of that name", e.Service)
	if hint := route.SlashHint(e.Service.String()); hint != "" {
		text += "; " + hint
	}
	return text
}

// Explain says why a caller gets what it gets, from the snapshot and the view
// that serve its requests. It asks the server without auth: it is for operators.
func (s *Server) Explain(q world.Request) (explain.Explanation, error) {
	r, err := s.newRequest(context.Background(), s.stockWithoutAuth, &apiservice.DiscoverFilter{}, messageOf(q.Service))
	if err != nil {
		return explain.Explanation{}, err
	}
	addr := location.Normalize(q.Addr)
	in := explain.Input{Addr: addr, Name: r.query.Resolved, Caller: s.Identify(addr), Registrations: s.registrations(addr), Proxy: s.proxyAt(addr)}
	if q.SET != "" {
		in.Caller.OverrideSET(q.SET)
	}
	var trace route.Trace
	in.Route, in.Why = r.query.Rules.Route(route.Request{Addr: addr, Caller: in.Caller.Identity, Resolved: in.Name}, &trace)
	in.Passed = trace.Passed
	snap, ownService, err := s.read(r, &in)
	if err != nil {
		return explain.Explanation{}, err
	}
	if !in.Decides() {
		return explain.New(in), nil
	}
	v, err := s.views.Peek(snap, view.Kind{Route: in.Route}, ownService)
	if err != nil {
		return explain.Explanation{}, err
	}
	in.Decision = in.Route.Retake(v.Decision, snap.Callee())
	for n, c := range in.Decision.Choices {
		in.Decision.Choices[n].HeldUntil = clock.AsOf(s.views.Now(), c.HeldUntil)
	}
	in.Members = in.Route.Members(in.Decision, explain.Instances(in.Callees), explain.Instances(in.OwnService))
	e := explain.New(in)
	if in.Why == route.WhyRouted {
		e.Revision = v.Revision
	}
	return e, nil
}

// read reads the services that an explanation is about: the one really read, and
// the own service of a lane address. Where a service keeps its own answer because
// the target of the lane address is gone, read says so in in.Why.
func (s *Server) read(r *request, in *explain.Input) (snap, ownService *view.Snapshot, err error) {
	snap, refused, err := s.views.Snapshot(&r.query, r.query.Source())
	if err != nil {
		return nil, nil, err
	}
	in.Callees = snap.Callees()
	if snap == nil {
		if in.Why = r.whyRefused(in.Why, refused); in.Why != route.WhyNoTarget {
			return nil, nil, r.refusal(refused)
		}
	}
	if !r.query.HasOwnService() {
		return snap, nil, nil
	}
	ownService, refused, err = s.views.Snapshot(&r.query, r.query.Service)
	if err == nil && ownService == nil {
		err = r.refusal(refused)
	}
	if err != nil {
		return nil, nil, err
	}
	in.OwnService = ownService.Callees()
	return snap, ownService, nil
}

// refusal returns the stock server's refusal as an error.
func (r *request) refusal(resp *apiservice.DiscoverResponse) error {
	if apimodel.Code(resp.GetCode().GetValue()) != apimodel.Code_NotFoundResource {
		return fmt.Errorf("the server answers with code %d: %s", resp.GetCode().GetValue(), resp.GetInfo().GetValue())
	}
	if source := r.query.Source(); source != r.query.Service {
		return NotFound{Service: source, Address: r.query.Service}
	}
	return NotFound{Service: r.query.Service}
}
