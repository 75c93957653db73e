package oracle

import (
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Service is a service name in its namespace.
type Service struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (s Service) String() string { return s.Namespace + "/" + s.Name }

// UnmarshalYAML reads namespace/name, or {namespace: team/x, name: svc}.
func (s *Service) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		type parts Service
		return n.Decode((*parts)(s))
	}
	s.Namespace, s.Name, _ = strings.Cut(n.Value, "/")
	return nil
}

// Location is a Place in a dump.
type Location struct {
	Region string `json:"region"`
	Zone   string `json:"zone"`
	Campus string `json:"campus"`
}

func (l Location) place() Place { return Place{l.Region, l.Zone, l.Campus} }

// Registered is an instance as it registered.
type Registered struct {
	ID       string            `json:"id"`
	Service  Service           `json:"service"`
	Host     string            `json:"host"`
	Port     uint32            `json:"port"`
	Location Location          `json:"location"`
	Metadata map[string]string `json:"metadata"`
	Healthy  bool              `json:"healthy"`
	Isolate  bool              `json:"isolate"`
	Weight   uint32            `json:"weight"`
}

// World is the state of a server, as GET /setrouter/v1/dump answers it.
type World struct {
	Now      time.Time `json:"now"`
	Sources  []string  `json:"sources"`
	Mapping  []File    `json:"mapping"`
	Routing  []File    `json:"routing"`
	Services []struct {
		Service
		Metadata map[string]string `json:"metadata"`
	} `json:"services"`
	Instances []Registered `json:"instances"`
	Aliases   []struct {
		Alias   Service `json:"alias"`
		Service Service `json:"service"`
	} `json:"aliases"`
	Clients []struct {
		Host     netip.Addr `json:"host"`
		Location Location   `json:"location"`
	} `json:"clients"`

	entries  []Entry
	fallback Identity
	routing  *routing
}

// Read reads a dump and the files in it.
func Read(dump []byte) (*World, error) {
	w := &World{}
	err := json.Unmarshal(dump, w)
	if err == nil {
		w.entries, w.fallback, err = readMapping(w.Mapping)
	}
	if err == nil {
		w.routing, err = readRouting(w.Routing)
	}
	return w, err
}

// InForce returns the evacuations in force, by their number in the files.
func (w *World) InForce() (out []int) {
	for n, e := range w.routing.Evacuate {
		if !e.From.After(w.Now) && e.Until.After(w.Now) {
			out = append(out, n)
		}
	}
	return out
}

func (w *World) exists(service Service) bool {
	for _, s := range w.Services {
		if s.Service == service {
			return true
		}
	}
	return false
}

func (w *World) metadataOf(service Service) map[string]string {
	for _, s := range w.Services {
		if s.Service == service {
			return s.Metadata
		}
	}
	return nil
}

// instancesOf returns the instances of a service, and nil if there is no such
// service.
func (w *World) instancesOf(service Service) []Instance {
	var out []Instance
	if w.exists(service) {
		out = []Instance{}
	}
	for _, r := range w.Instances {
		if r.Service != service {
			continue
		}
		id := w.instance(r)
		i := Instance{ID: r.ID, Host: r.Host, Port: r.Port, Place: id.Place, Healthy: r.Healthy, Isolate: r.Isolate, Weight: r.Weight}
		if len(id.SETs) > 0 {
			i.SET = id.SETs[0]
		}
		for _, n := range w.InForce() {
			i.Evacuated = i.Evacuated || w.routing.Evacuate[n].covers(id.Place, i.SET)
		}
		out = append(out, i)
	}
	return out
}
