package router

import (
	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/wire"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// World returns the state of the server at this moment: all that decisions depend
// on, as far as this node knows.
func (s *Server) World() *world.World {
	guard := s.Config().ShrinkGuardPercent
	w := &world.World{
		ShrinkGuardPercent: &guard,

		Rules: s.Rules(), Table: s.Table(), Now: s.Now(), Sources: s.Config().Sources,
		Aliases: map[route.Service]route.Service{}, Asked: s.AskedFor,
	}
	for addr, requests := range s.RecentCallers() {
		w.Seen = append(w.Seen, world.Seen{Addr: addr, Requests: requests})
	}
	if pods := s.Pods(); pods.Source != nil {
		for addr, facts := range pods.All() {
			w.Pods = append(w.Pods, world.NewPod(addr, facts))
		}
	}
	s.addInstances(w, s.addServices(w))
	s.Caches().Client().IteratorClients(func(_ string, c *model.Client) bool {
		if addr, ok := location.HostAddr(c.Proto().GetHost().GetValue()); ok {
			w.Clients = append(w.Clients, world.Client{Addr: addr, Location: wire.FromProto(c.Proto().GetLocation())})
		}
		return true
	})
	w.Sort()
	return w
}

// addServices adds services and aliases to a world, and returns the name of each
// by its id.
func (s *Server) addServices(w *world.World) map[string]route.Service {
	names := map[string]route.Service{}
	_ = s.Caches().Service().IteratorServices(func(id string, service *model.Service) (bool, error) {
		names[id] = route.Service{Namespace: service.Namespace, Name: service.Name}
		if !service.IsAlias() {
			w.AddService(names[id], service.Meta)
		}
		return true, nil
	})
	_ = s.Caches().Service().IteratorServices(func(id string, service *model.Service) (bool, error) {
		if target, ok := names[service.Reference]; ok && service.IsAlias() {
			w.Aliases[names[id]] = target
		}
		return true, nil
	})
	return names
}

// addInstances adds instances to a world. It takes the names of services by their
// ids.
func (s *Server) addInstances(w *world.World, names map[string]route.Service) {
	_ = s.Caches().Instance().IteratorInstances(func(id string, i *model.Instance) (bool, error) {
		if service, ok := names[i.ServiceID]; ok {
			w.Instances = append(w.Instances, world.Instance{
				ID: id, Service: service, Host: i.Host(), Port: i.Port(), Location: wire.FromProto(i.Location()),
				Metadata: i.Metadata(), Healthy: i.Healthy(), Isolate: i.Isolate(), Weight: i.Weight(),
			})
		}
		return true, nil
	})
}
