// Package world decides routing over a World: the state of everything that routing
// depends on, that is rules, mapping, instances, and what clients reported. A World
// comes from a case file, a dump, or a running server. The decisions are the same as
// the server's.
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

// Instance is an instance as it registered, before any mapping.
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

// Client is the location that an SDK client reported of itself.
type Client struct {
	Addr     netip.Addr        `json:"host"`
	Location location.Location `json:"location"`
}

// Seen is a caller that asked lately.
type Seen struct {
	Addr     netip.Addr `json:"address"`
	Requests uint64     `json:"requests"`
}

// World is a state. Its fields must not change after the first call of a method. It is
// not safe for concurrent use.
type World struct {
	Rules   *route.Rules
	Table   *location.Table
	Now     time.Time       // for evacuations
	Sources []string        // of the identities of callers; nil: all, in the order of docs/design.md, 4
	Names   []route.Service // the services that exist, with or without instances
	// Metadata are those of services, as far as they have any.
	Metadata  map[route.Service]map[string]string
	Instances []Instance
	Clients   []Client
	Pods      []Pod
	Aliases   map[route.Service]route.Service
	Seen      []Seen
	Asked     func(route.Service) []netip.Addr // who asked for a service lately; nil: not known
	Mapping   []strict.File                    // the files of Table; nil if they are not at hand
	Routing   []strict.File                    // as Mapping, of Rules

	// ShrinkGuardPercent is the limit of the server's shrink guard; nil if it is not known.
	ShrinkGuardPercent *int
	Notes              []string // what the state does not have, in sentences

	indexed  bool
	resolved *resolved
	hosts    hostRecords
	reports  factsByAddr
	pods     factsByAddr
}

// Request is a caller and the service that it asks for.
type Request struct {
	Addr    netip.Addr
	SET     location.SET // in the place of the caller's own SET; empty: the caller keeps its own
	Service route.Service
}

// Explain decides a request as the server does, and explains the answer.
func (w *World) Explain(r Request) explain.Explanation { return explain.New(w.decide(r)) }

// decide returns the answer of the server to a request.
func (w *World) decide(r Request) explain.Input {
	addr := location.Normalize(r.Addr)
	input := explain.Input{Addr: addr, Caller: w.Identity(addr), Name: w.Rules.Resolve(w.findName(r.Service))}
	input.Registrations = w.registrations(addr)
	if r.SET != "" {
		input.Caller.OverrideSET(r.SET)
	}
	exists := w.readInstances(&input)
	var trace route.Trace
	input.Route, input.Why = w.Rules.Route(route.Request{Addr: addr, Caller: input.Caller.Identity, Resolved: input.Name}, &trace)
	input.Passed = trace.Passed
	input.Why = input.Name.WithTarget(input.Why, exists)
	if input.Decides() {
		input.Decision, input.Members = input.Route.Answer(route.NewCallee(explain.Instances(input.Callees)), explain.Instances(input.OwnService))
	}
	return input
}

// findName returns what the state has under a name: services, or an alias of one.
func (w *World) findName(service route.Service) route.Name {
	n := route.Name{Service: service}
	if target, ok := w.Aliases[service]; ok {
		n.Read = []route.Service{target}
		service = target
	}
	n.Metadata = w.Metadata[service]
	n.Exists = len(n.Read) > 0 || w.instancesOf(service) != nil || slices.Contains(w.Names, service)
	return n
}

// readInstances puts the instances that an answer depends on into an input. It reports
// whether the service that is really read exists.
func (w *World) readInstances(input *explain.Input) (exists bool) {
	source := input.Name.Source()
	if target, ok := w.Aliases[source]; ok {
		source = target
	}
	input.Callees = w.instancesOf(source)
	if input.Name.HasOwnService() {
		ownService := input.Name.Service
		if len(input.Name.Read) > 0 {
			ownService = input.Name.Read[0]
		}
		if input.OwnService = w.instancesOf(ownService); input.OwnService == nil {
			input.OwnService = []explain.Callee{} // the service exists, and has no instance
		}
	}
	return input.Callees != nil || slices.Contains(w.Names, source)
}

// Identity returns what is known of a caller.
func (w *World) Identity(addr netip.Addr) location.Facts { return w.resolver().Caller(addr) }

// resolver returns the sources of the identities of callers.
func (w *World) resolver() *location.Resolver {
	w.index()
	r := &location.Resolver{Default: w.Table.Default()}
	for _, name := range w.sourceNames() {
		switch name {
		case location.SourceMapping:
			r.Sources = append(r.Sources, location.TableSource{Table: func() *location.Table { return w.Table }})
		case location.SourceKubernetes:
			r.Sources = append(r.Sources, w.pods)
		case location.SourceRegistry:
			r.Sources = append(r.Sources, w.hosts)
		case location.SourceReport:
			r.Sources = append(r.Sources, w.reports)
		}
	}
	return r
}

// sourceNames returns the sources of the identities of callers, in their order.
func (w *World) sourceNames() []string {
	if w.Sources == nil {
		return location.SourceNames
	}
	return w.Sources
}

// Read returns the instances that are read for a name: of the target of a lane address, or
// of the service of an alias. The slice is shared: read only.
func (w *World) Read(name route.Service) []explain.Callee {
	return w.instancesOf(w.behind(w.Rules.Resolve(w.findName(name)).Source()))
}

// Callees returns the instances of a service, nil if it has none. The slice is shared:
// read only.
func (w *World) Callees(service route.Service) []explain.Callee { return w.instancesOf(service) }

// instancesOf returns the instances of a service, nil if it has none.
func (w *World) instancesOf(service route.Service) []explain.Callee {
	w.index()
	return w.resolved.of(service, w.Instances)
}

// index fills in the fields that are looked up by service or address, once.
func (w *World) index() {
	if w.indexed {
		return
	}
	w.indexed = true
	w.resolved = newResolved(w.Instances, w.indexPods(), w.Rules.Evacuations(w.Now))
	w.indexRecords()
}

// indexPods indexes the pods, and returns the sources of facts about the hosts of
// instances.
func (w *World) indexPods() location.Hosts {
	w.pods = factsByAddr{}
	for _, p := range w.Pods {
		facts := p.Facts()
		w.pods[location.Normalize(p.Addr)] = &facts
	}
	names := w.sourceNames()
	hosts := location.Hosts{Table: w.Table}
	if i := slices.Index(names, location.SourceKubernetes); i >= 0 {
		hosts.Pods, hosts.PodsFirst = w.pods, i < slices.Index(names, location.SourceMapping)
	}
	return hosts
}

// CountTakenOut returns how many instances an evacuation takes out.
func (w *World) CountTakenOut(e route.Evacuation) (n int) {
	for _, list := range w.allInstances() {
		for _, c := range list {
			if e.TakesOut(c.Location, c.SET) {
				n++
			}
		}
	}
	return n
}

// allInstances returns the instances of all services that have any. The map is shared: read
// only.
func (w *World) allInstances() map[route.Service][]explain.Callee {
	w.index()
	return w.resolved.all(w.Instances)
}
