package world

import (
	"cmp"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Dump is a World as JSON. It has the files in force in the place of the rules and the
// table that were loaded from them.
type Dump struct {
	Now       time.Time  `json:"now"`
	Sources   []string   `json:"sources"`
	Mapping   []Text     `json:"mapping"`
	Routing   []Text     `json:"routing"`
	Services  []Service  `json:"services"` // that exist, also those without an instance
	Instances []Instance `json:"instances"`
	Aliases   []Alias    `json:"aliases"`
	Clients   []Client   `json:"clients"`
	Callers   []Seen     `json:"callers"` // that asked lately
	// Asked is for which services these callers asked; it is absent if that is not known.
	Asked []Asked `json:"asked,omitempty"`
	Pods  []Pod   `json:"pods"` // of the source kubernetes
	// ShrinkGuardPercent is the limit of the server's shrink guard.
	ShrinkGuardPercent *int `json:"shrinkGuardPercent,omitempty"`
	// Notes say what the dump does not have, as the callers of a node.
	Notes []string `json:"notes,omitempty"`
}

// Service is a service, with its metadata.
type Service struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// Service returns the name of the service in its namespace.
func (s Service) Service() route.Service {
	return route.Service{Namespace: s.Namespace, Name: s.Name}
}

// Text is the name and the content of a file.
type Text struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// Alias is a Polaris alias of a service.
type Alias struct {
	Alias   route.Service `json:"alias"`
	Service route.Service `json:"service"`
}

// NewDump returns the dump of a state. Mapping and routing are the files that the table
// and the rules of the state come from.
func NewDump(w *World, mapping, routing []strict.File) Dump {
	d := Dump{
		Now: w.Now, Sources: w.Sources, Mapping: texts(mapping), Routing: texts(routing),
		Services:  []Service{},
		Instances: append([]Instance{}, w.Instances...), Aliases: []Alias{},
		Clients: append([]Client{}, w.Clients...), Callers: append([]Seen{}, w.Seen...), Pods: append([]Pod{}, w.Pods...),
		ShrinkGuardPercent: w.ShrinkGuardPercent, Notes: w.Notes, Asked: w.askedList(),
	}
	for _, name := range w.Names {
		d.Services = append(d.Services, Service{name.Namespace, name.Name, w.Metadata[name]})
	}
	if d.Sources == nil {
		d.Sources = location.SourceNames
	}
	for n := range d.Instances {
		if d.Instances[n].Metadata == nil {
			d.Instances[n].Metadata = map[string]string{}
		}
	}
	for alias, service := range w.Aliases {
		d.Aliases = append(d.Aliases, Alias{alias, service})
	}
	slices.SortFunc(d.Aliases, func(a, b Alias) int { return a.Alias.Compare(b.Alias) })
	return d
}

func texts(files []strict.File) []Text {
	out := []Text{}
	for _, f := range files {
		out = append(out, Text{f.Name, string(f.Data)})
	}
	return out
}

// World returns the state that the dump was made of. Faults in its files go to problems,
// and World returns nil if there are any.
func (d Dump) World(problems *strict.Problems) *World {
	w := &World{Now: d.Now, Sources: d.Sources, Instances: d.Instances, Clients: d.Clients, Seen: d.Callers, Asked: askedBy(d.Asked), Pods: d.Pods, ShrinkGuardPercent: d.ShrinkGuardPercent, Notes: d.Notes}
	for _, s := range d.Services {
		w.AddService(s.Service(), s.Metadata)
	}
	w.Aliases = map[route.Service]route.Service{}
	for _, a := range d.Aliases {
		w.Aliases[a.Alias] = a.Service
	}
	w.Table = location.LoadMapping(files(d.Mapping), problems)
	w.Rules = route.Load(files(d.Routing), d.Now, problems)
	w.Mapping, w.Routing = files(d.Mapping), files(d.Routing)
	if problems.Err() != nil {
		return nil
	}
	return w
}

func files(texts []Text) []strict.File {
	var out []strict.File
	for _, t := range texts {
		out = append(out, strict.File{Name: t.Name, Data: []byte(t.Content)})
	}
	return out
}

// AddService adds a service that exists, with its metadata if it has any.
func (w *World) AddService(name route.Service, metadata map[string]string) {
	w.Names = append(w.Names, name)
	if len(metadata) == 0 {
		return
	}
	if w.Metadata == nil {
		w.Metadata = map[route.Service]map[string]string{}
	}
	w.Metadata[name] = metadata
}

// WithFiles returns the same state with another mapping and other rules. Its Mapping and
// Routing are the files of this state.
func (w *World) WithFiles(table *location.Table, rules *route.Rules) *World {
	return &World{
		Rules: rules, Table: table, Now: w.Now, Sources: w.Sources, Mapping: w.Mapping, Routing: w.Routing,
		Names: w.Names, Metadata: w.Metadata, Instances: w.Instances, Clients: w.Clients, Aliases: w.Aliases, Seen: w.Seen, Asked: w.Asked, Pods: w.Pods,
		ShrinkGuardPercent: w.ShrinkGuardPercent, Notes: w.Notes,
	}
}

// WithCallees returns the same state after an edit of each instance: what if the instances
// of a place were unhealthy, or evacuated. Callers stay who they are.
func (w *World) WithCallees(edit func(*explain.Callee)) *World {
	all, edited := w.allInstances(), *w
	edited.resolved = &resolved{byService: make(map[route.Service][]explain.Callee, len(all))}
	for service, callees := range all {
		callees = slices.Clone(callees)
		for n := range callees {
			edit(&callees[n])
		}
		edited.resolved.byService[service] = callees
	}
	return &edited
}

// Sort puts the lists of the state into a fixed order.
func (w *World) Sort() {
	slices.SortFunc(w.Instances, func(a, b Instance) int {
		return cmp.Or(a.Service.Compare(b.Service), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(w.Names, route.Service.Compare)
	slices.SortFunc(w.Clients, func(a, b Client) int { return a.Addr.Compare(b.Addr) })
	slices.SortFunc(w.Pods, func(a, b Pod) int { return a.Addr.Compare(b.Addr) })
	slices.SortFunc(w.Seen, func(a, b Seen) int { return a.Addr.Compare(b.Addr) })
}
