package cases

import (
	"io"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Write writes a dump as a case file without tests; mapping and routing are the
// names of files beside it. Load reads it again.
func Write(w io.Writer, d world.Dump, mapping, routing []string) error {
	out := file{Mapping: mapping, Routing: routing, Now: d.Now.Format(time.RFC3339), Sources: d.Sources}
	for _, s := range d.Services {
		service := serviceValue(s.Service())
		if _, isText := service.(string); !isText || len(s.Metadata) > 0 {
			service = item{"service": service, "metadata": s.Metadata}
		}
		out.Services = append(out.Services, service)
	}
	for _, i := range d.Instances {
		out.Instances = append(out.Instances, item{
			"id": i.ID, "service": serviceValue(i.Service), "host": i.Host, "port": i.Port, "healthy": i.Healthy,
			"isolate": i.Isolate, "weight": i.Weight, "metadata": i.Metadata,
		}.at(i.Location))
	}
	for _, a := range d.Aliases {
		out.Aliases = append(out.Aliases, item{"alias": serviceValue(a.Alias), "service": serviceValue(a.Service)})
	}
	for _, c := range d.Clients {
		out.Clients = append(out.Clients, item{"host": c.Addr.String()}.at(c.Location))
	}
	for _, p := range d.Pods {
		pod := item{"host": p.Addr.String()}.at(p.Location)
		if p.SET != "" {
			pod["set"] = string(p.SET)
		}
		if p.Shared {
			pod["shared"] = true
		}
		if len(p.Labels) > 0 {
			pod["labels"] = p.Labels
		}
		out.Pods = append(out.Pods, pod)
	}
	for _, c := range d.Callers {
		out.Callers = append(out.Callers, item{"address": c.Addr.String(), "requests": c.Requests})
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(out); err != nil {
		return err
	}
	return enc.Close()
}

// file is a case file to write.
type file struct {
	Mapping   []string `yaml:"mapping,omitempty"`
	Routing   []string `yaml:"routing,omitempty"`
	Now       string   `yaml:"now"`
	Sources   []string `yaml:"sources,flow"`
	Services  []any    `yaml:"services,omitempty"`
	Instances []item   `yaml:"instances,omitempty"`
	Aliases   []item   `yaml:"aliases,omitempty"`
	Clients   []item   `yaml:"clients,omitempty"`
	Callers   []item   `yaml:"callers,omitempty"`
	Pods      []item   `yaml:"pods,omitempty"`
}

// item is an entry on a line of its own.
type item map[string]any

// serviceValue returns a service as a case file has it.
func serviceValue(s route.Service) any {
	if strings.Contains(s.Namespace, "/") {
		return item{"namespace": s.Namespace, "name": s.Name}
	}
	return s.String()
}

func (i item) at(l location.Location) item {
	for key, value := range map[string]string{"region": l.Region, "zone": l.Zone, "campus": l.Campus} {
		if value != "" {
			i[key] = value
		}
	}
	return i
}

// MarshalYAML writes the entry in one line.
func (i item) MarshalYAML() (any, error) {
	var n yaml.Node
	if err := n.Encode(map[string]any(i)); err != nil {
		return nil, err
	}
	n.Style = yaml.FlowStyle
	return &n, nil
}
