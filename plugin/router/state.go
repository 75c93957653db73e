package router

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/polarismesh/polaris/common/model"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/world"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// NotFound says that there is no such service.
type NotFound struct {
	Service route.Service
	Address route.Service // that Service is the target of, if it was asked for by one
}

func (e NotFound) Error() string {
	if e.Address != (route.Service{}) {
		return fmt.Sprintf("there is no service %q, the target of the lane address %q", e.Service, e.Address)
	}
	return fmt.Sprintf("there is no service %q, nor a lane address of that name", e.Service)
}

// Explain says why a caller gets what it gets, from the snapshot and the view
// that serve its requests. It asks the server without auth: it is for
// operators.
func (s *Server) Explain(q world.Request) (explain.Explanation, error) {
	r := s.newRequest(context.Background(), &apiservice.DiscoverFilter{}, &apiservice.Service{
		Namespace: wrapperspb.String(q.Service.Namespace), Name: wrapperspb.String(q.Service.Name),
	})
	r.inner = s.origin
	addr := location.Normalize(q.Addr)
	read := r.read()
	r.address, _ = r.rules.Address(r.asked, read)
	in := explain.Input{
		Addr: addr, Asked: q.Service, Read: read, Rules: r.rules,
		Caller: s.Caller(addr),
	}
	if q.SET != "" {
		in.Caller.SET, in.Caller.SETFrom = q.SET, &location.Origin{Source: "override"}
	}
	snap, refused, err := r.snapshot(r.source())
	switch {
	case err != nil:
		return explain.Explanation{}, err
	case snap != nil:
		in.Callees = snap.callees()
	case r.targetIsGone(refused):
		in.NoTarget = true
	default:
		return explain.Explanation{}, r.refusal(refused)
	}
	var own *snapshot
	if r.address != nil && r.exists {
		if own, refused, err = r.snapshot(r.asked); err != nil {
			return explain.Explanation{}, err
		} else if own == nil {
			return explain.Explanation{}, r.refusal(refused)
		}
		in.Own = own.callees()
	}
	kind, why := r.rules.Route(route.Request{Addr: addr, Caller: in.Caller.Identity, Asked: in.Asked, Read: in.Read})
	if why != route.WhyRouted && why != route.WhyShadowed || in.NoTarget {
		return explain.Of(in), nil
	}
	v, err := snap.peek(r, viewKey{kind: kind}, own.ifNeeded(kind.Rule))
	if err != nil {
		return explain.Of(in), err
	}
	in.Hold, in.Until = v.decision.Held, clock.AsOf(r.now(), v.decision.Until)
	e := explain.Of(in)
	if why == route.WhyRouted {
		e.Revision = v.revision
	}
	return e, nil
}

// Caller is what all sources know of a caller's address, which is normalised.
func (s *Server) Caller(addr netip.Addr) location.Facts {
	return location.Resolver{Sources: s.sources, Default: s.table().Default()}.Caller(addr)
}

func (r *request) refusal(resp *apiservice.DiscoverResponse) error {
	if apimodel.Code(resp.GetCode().GetValue()) == apimodel.Code_NotFoundResource {
		if source := r.source(); source != r.asked {
			return NotFound{Service: source, Address: r.asked}
		}
		return NotFound{Service: r.asked}
	}
	return fmt.Errorf("the server answers with code %d: %s", resp.GetCode().GetValue(), resp.GetInfo().GetValue())
}

func (s *snapshot) callees() []explain.Callee {
	out := make([]explain.Callee, len(s.protos))
	for n, p := range s.protos {
		out[n] = explain.Callee{
			ID: p.GetId().GetValue(), Host: p.GetHost().GetValue(), Port: p.GetPort().GetValue(), Instance: s.callee.Instances[n],
		}
	}
	return out
}

// World is the state of the server at this moment: all that decisions depend
// on, as far as this node knows.
func (s *Server) World() *world.World {
	w := &world.World{
		Rules: s.rulesInForce(), Table: s.table(), Now: s.now(), Sources: s.config.Sources,
		Aliases: map[route.Service]route.Service{}, Seen: s.seen.lately(),
	}
	if s.pods.Source != nil {
		for addr, facts := range s.pods.All() {
			w.Pods = append(w.Pods, world.NewPod(addr, facts))
		}
	}
	caches := s.Cache()
	services := map[string]route.Service{}
	_ = caches.Service().IteratorServices(func(id string, v *model.Service) (bool, error) {
		services[id] = route.Service{Namespace: v.Namespace, Name: v.Name}
		if !v.IsAlias() {
			w.Names = append(w.Names, services[id])
		}
		return true, nil
	})
	_ = caches.Service().IteratorServices(func(id string, v *model.Service) (bool, error) {
		if target, there := services[v.Reference]; v.IsAlias() && there {
			w.Aliases[services[id]] = target
		}
		return true, nil
	})
	_ = caches.Instance().IteratorInstances(func(id string, i *model.Instance) (bool, error) {
		service, there := services[i.ServiceID]
		if there {
			w.Instances = append(w.Instances, world.Instance{
				ID: id, Service: service, Host: i.Host(), Port: i.Port(), Location: fromProto(i.Location()),
				Metadata: i.Metadata(), Healthy: i.Healthy(), Isolate: i.Isolate(), Weight: i.Weight(),
			})
		}
		return true, nil
	})
	caches.Client().IteratorClients(func(_ string, c *model.Client) bool {
		if addr, ok := hostAddr(c.Proto().GetHost().GetValue()); ok {
			w.Clients = append(w.Clients, world.Client{Addr: addr, Location: fromProto(c.Proto().GetLocation())})
		}
		return true
	})
	w.Sort()
	return w
}

// rulesInForce are the rules in force, nil where no routing is configured.
func (s *Server) rulesInForce() *route.Rules {
	if s.rules == nil {
		return nil
	}
	return s.rules()
}

// AdminConfig is where the admin listener listens.
func (s *Server) AdminConfig() serverconfig.Admin { return s.config.Admin }

// Changes are the last changes of what callers get, the latest first: of one
// service, as namespace/name, or of all.
func (s *Server) Changes(service string) []Change { return s.changes.of(service) }
