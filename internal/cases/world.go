// Package cases decides routing offline: the same decision as the server's,
// over instances written in a case file, as unit tests of mapping and routing
// files are.
package cases

import (
	"net/netip"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Instance is an instance as it registered.
type Instance struct {
	Service  route.Service
	Host     string
	Port     int
	Location location.Location
	Metadata map[string]string
	Healthy  bool
	Isolate  bool
	Weight   uint32
}

// World is what a decision depends on.
type World struct {
	Rules     *route.Rules
	Table     *location.Table
	Instances []Instance
}

// Outcome is what a caller gets, and by what.
type Outcome struct {
	Caller    location.Facts
	Instances []Instance
	Rule      string // empty: none matched
	Tier      string
	Level     string
	Stock     route.Why // why it is the stock answer, empty for a routed one
}

// Decide answers as the server would. Caller sources are mapping and registry:
// offline there are no client reports.
func (w *World) Decide(caller netip.Addr, asked route.Service) Outcome {
	caller = location.Normalize(caller)
	out := Outcome{Caller: w.identity(caller)}
	kind, why := w.Rules.Route(route.Request{Addr: caller, Caller: out.Caller.Identity, Asked: asked})
	if kind.Rule != nil {
		out.Rule = kind.Rule.Name
	}
	if why != route.Routed {
		out.Stock, out.Instances = why, w.stock(asked)
		return out
	}
	source := asked
	if kind.Rule.IsAddress() {
		source = kind.Rule.Target
	}
	list := w.of(source)
	decision := kind.Select(w.resolve(list))
	out.Tier, out.Level = decision.Tier, decision.Level
	for _, i := range decision.Chosen {
		out.Instances = append(out.Instances, list[i])
	}
	return out
}

func (w *World) identity(caller netip.Addr) location.Facts {
	return location.Resolver{
		Sources: []location.Source{mappingSource{w.Table}, registrySource{w}},
		Default: w.Table.Default(),
	}.Caller(caller)
}

// stock is the answer without routing: of a lane address that is no service
// itself, that of its target.
func (w *World) stock(asked route.Service) []Instance {
	if own := w.of(asked); len(own) > 0 {
		return own
	}
	if address, is := w.Rules.Address(asked); is {
		return w.of(address.Target)
	}
	return nil
}

func (w *World) of(service route.Service) []Instance {
	var out []Instance
	for _, i := range w.Instances {
		if i.Service == service {
			out = append(out, i)
		}
	}
	return out
}

func (w *World) resolve(list []Instance) []route.Instance {
	out := make([]route.Instance, len(list))
	for n, i := range list {
		registered, _ := location.Registered(i.Location, i.Metadata)
		facts := location.Instance(w.Table, i.Host, &registered)
		out[n] = route.Instance{
			Location: facts.Location, SET: facts.SET,
			Healthy: i.Healthy, Isolate: i.Isolate, Weight: i.Weight,
		}
	}
	return out
}

type mappingSource struct{ table *location.Table }

func (mappingSource) Name() string { return "mapping" }

func (m mappingSource) Facts(addr netip.Addr) (*location.Facts, bool) { return m.table.Lookup(addr) }

// registrySource knows a caller from its own instances.
type registrySource struct{ *World }

func (registrySource) Name() string { return "registry" }

func (s registrySource) Facts(addr netip.Addr) (*location.Facts, bool) {
	var list []location.Facts
	for _, i := range s.Instances {
		if host, err := netip.ParseAddr(i.Host); err == nil && location.Normalize(host) == addr {
			facts, _ := location.Registered(i.Location, i.Metadata)
			list = append(list, facts)
		}
	}
	if len(list) == 0 {
		return nil, false
	}
	place := &location.Place{Source: "registry"}
	common := location.Common(list)
	common.RegionFrom, common.ZoneFrom, common.CampusFrom, common.SETFrom = place, place, place, place
	return &common, true
}
