// Package world decides routing over a state of everything that matters to it:
// rules, mapping, instances, what clients reported. The state comes from a case
// file, a dump, or a running server; the decisions are those of the server.
package world

import (
	"net/netip"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Instance is an instance as it registered.
type Instance struct {
	ID       string            `json:"id"`
	Service  route.Service     `json:"service"`
	Host     string            `json:"host"`
	Port     uint32            `json:"port"`
	Location location.Location `json:"location"`
	Metadata map[string]string `json:"metadata"`
	Healthy  bool              `json:"healthy"`
	Isolate  bool              `json:"isolate"`
	Weight   uint32            `json:"weight"`
}

// Client is what an SDK client reported.
type Client struct {
	Addr     netip.Addr        `json:"host"`
	Location location.Location `json:"location"`
}

// Seen is a caller that asked lately.
type Seen struct {
	Addr     netip.Addr `json:"address"`
	Requests uint64     `json:"requests"`
}

// World is a state. Its fields are set before its first method is called, and
// not changed afterwards. It is not safe for concurrent use.
type World struct {
	Rules     *route.Rules
	Table     *location.Table
	Now       time.Time       // for evacuations
	Sources   []string        // of the identity of callers; nil: all, in the order of docs/design.md, 4
	Names     []route.Service // that exist, also those without an instance
	Instances []Instance
	Clients   []Client
	Pods      []Pod
	Aliases   map[route.Service]route.Service
	Seen      []Seen
	Routing   []strict.File // that Rules come from, where they are at hand

	indexed   bool
	byService map[route.Service][]explain.Callee
	byHost    map[netip.Addr][]location.Facts
	reports   map[netip.Addr][]location.Facts
	pods      podFacts
}

// Request is who asks for what.
type Request struct {
	Addr    netip.Addr
	SET     location.SET // in place of the caller's own; empty: none
	Service route.Service
}

// Explain answers as the server does, and says why.
func (w *World) Explain(r Request) explain.Explanation { return explain.New(w.decide(r)) }

// decide decides a request as the server does.
func (w *World) decide(r Request) explain.Input {
	addr := location.Normalize(r.Addr)
	in := explain.Input{Addr: addr, Caller: w.Identity(addr), Name: w.Rules.Resolve(w.findName(r.Service))}
	if r.SET != "" {
		in.Caller.SET, in.Caller.SETFrom = r.SET, &location.Origin{Source: "override"}
	}
	exists := w.readInstances(&in)
	var trace route.Trace
	in.Route, in.Why = w.Rules.Route(route.Request{Addr: addr, Caller: in.Caller.Identity, Resolved: in.Name}, &trace)
	in.Passed = trace.Passed
	if !exists && in.Name.HasOwnService() {
		in.Why = route.WhyNoTarget
	}
	if in.Decides() {
		in.Decision, in.Members = in.Route.Answer(route.NewCallee(explain.Instances(in.Callees)), explain.Instances(in.OwnService))
	}
	return in
}

// findName returns what the state has under a name.
func (w *World) findName(service route.Service) route.Name {
	n := route.Name{Service: service}
	if target, ok := w.Aliases[service]; ok {
		n.Read = []route.Service{target}
	}
	n.Exists = len(n.Read) > 0 || w.instancesOf(service) != nil || slices.Contains(w.Names, service)
	return n
}

// readInstances puts the instances of the services into an input that an answer depends
// on. It reports whether the service that is really read exists.
func (w *World) readInstances(in *explain.Input) (exists bool) {
	source := in.Name.Source()
	if target, ok := w.Aliases[source]; ok {
		source = target
	}
	in.Callees = w.instancesOf(source)
	if in.Name.HasOwnService() {
		own := in.Name.Service
		if len(in.Name.Read) > 0 {
			own = in.Name.Read[0]
		}
		if in.OwnService = w.instancesOf(own); in.OwnService == nil {
			in.OwnService = []explain.Callee{} // the service exists, and has no instance
		}
	}
	return in.Callees != nil || slices.Contains(w.Names, source)
}

// Identity is what is known of a caller.
func (w *World) Identity(addr netip.Addr) location.Facts {
	w.index()
	r := location.Resolver{Default: w.Table.Default()}
	for _, name := range w.sourceNames() {
		switch name {
		case location.SourceMapping:
			r.Sources = append(r.Sources, location.TableSource{Table: func() *location.Table { return w.Table }})
		case location.SourceKubernetes:
			r.Sources = append(r.Sources, w.pods)
		case location.SourceRegistry:
			r.Sources = append(r.Sources, hosts(w.byHost))
		case location.SourceReport:
			r.Sources = append(r.Sources, hosts(w.reports))
		}
	}
	return r.Caller(addr)
}

func (w *World) sourceNames() []string {
	if w.Sources == nil {
		return location.SourceNames
	}
	return w.Sources
}

// instancesOf returns the instances of a service, nil if it has none.
func (w *World) instancesOf(service route.Service) []explain.Callee {
	w.index()
	return w.byService[service]
}

func (w *World) index() {
	if w.indexed {
		return
	}
	w.indexed = true
	w.byService = map[route.Service][]explain.Callee{}
	w.byHost, w.reports = map[netip.Addr][]location.Facts{}, map[netip.Addr][]location.Facts{}
	evacuated, hosts := w.Rules.Evacuations(w.Now), w.indexPods()
	for _, i := range w.Instances {
		registered, _ := location.Registered(i.Location, i.Metadata)
		facts := hosts.Instance(i.Host, &registered)
		_, out := evacuated.TakingOut(facts.Location, facts.SET)
		w.byService[i.Service] = append(w.byService[i.Service], explain.Callee{
			ID: i.ID, Host: i.Host, Port: i.Port,
			Instance: route.Instance{
				Location: facts.Location, SET: facts.SET, Evacuated: out,
				Healthy: i.Healthy, Isolate: i.Isolate, Weight: i.Weight,
			},
		})
		if host, err := netip.ParseAddr(i.Host); err == nil {
			host = location.Normalize(host)
			registered.From(&location.Origin{Source: location.SourceRegistry})
			w.byHost[host] = append(w.byHost[host], registered)
		}
	}
	for _, c := range w.Clients {
		f := location.Facts{Identity: location.Identity{Location: c.Location}}
		f.From(&location.Origin{Source: location.SourceReport})
		w.reports[location.Normalize(c.Addr)] = append(w.reports[location.Normalize(c.Addr)], f)
	}
}

// indexPods indexes the pods, and returns what knows instances by their hosts.
func (w *World) indexPods() location.Hosts {
	w.pods = podFacts{}
	for _, p := range w.Pods {
		facts := p.Facts()
		w.pods[location.Normalize(p.Addr)] = &facts
	}
	names := w.sourceNames()
	hosts := location.Hosts{Table: w.Table}
	if at := slices.Index(names, location.SourceKubernetes); at >= 0 {
		hosts.Pods, hosts.PodsFirst = w.pods, at < slices.Index(names, location.SourceMapping)
	}
	return hosts
}

// CountTakenOut is how many instances an evacuation would take out.
func (w *World) CountTakenOut(e route.Evacuation) (n int) {
	w.index()
	for _, list := range w.byService {
		for _, c := range list {
			if e.TakesOut(c.Location, c.SET) {
				n++
			}
		}
	}
	return n
}

// hosts knows callers by the records at their address.
type hosts map[netip.Addr][]location.Facts

// Facts is what the records agree on.
func (h hosts) Facts(addr netip.Addr) (location.Found, bool) {
	records, ok := h[addr]
	if !ok {
		return location.Found{}, false
	}
	common := location.Common(records)
	return common.Found(), true
}
