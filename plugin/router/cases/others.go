package cases

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// A case file has these beside instances, as a dump of a running server does: the
// sources of identities, services without an instance, Polaris aliases, what clients
// reported, pods, and the callers that asked lately.

func (f *File) readSources(n strict.Node) {
	f.Sources = []string{}
	for _, item := range n.Items() {
		if word, ok := item.Word(location.SourceNames...); ok {
			f.Sources = append(f.Sources, word)
		}
	}
}

// readServiceName reads a service: its name, or {service: name, metadata: {...}}.
func (f *File) readServiceName(n strict.Node) {
	var service route.Service
	var metadata map[string]string
	if n.IsMapping() {
		n.Bind(serviceKey("service", "The service.", &service), strict.Optional("metadata", "The metadata of the service.", strict.Texts(&metadata)))
	} else {
		service = route.ReadService(n)
	}
	f.AddService(service, metadata)
}

func (f *File) readAlias(n strict.Node) {
	var alias, service route.Service
	n.Bind(serviceKey("alias", "The name that clients ask for.", &alias), serviceKey("service", "The service that is read for it.", &service))
	if f.Aliases == nil {
		f.Aliases = map[route.Service]route.Service{}
	}
	f.Aliases[alias] = service
}

func (f *File) readClient(n strict.Node) {
	var c world.Client
	n.Bind(append([]strict.Key{addrKey("host", "The address of the client.", &c.Addr)}, locationKeys(&c.Location)...)...)
	f.Clients = append(f.Clients, c)
}

func (f *File) readCaller(n strict.Node) {
	var s world.Seen
	requests := 1
	n.Bind(addrKey("address", "The address of the caller.", &s.Addr), strict.Optional("requests", "How often the caller asked.", strict.Int(&requests, 0, 1<<62)))
	s.Requests = uint64(requests)
	f.Seen = append(f.Seen, s)
}

func (f *File) readPod(n strict.Node) {
	var p world.Pod
	n.Bind(append(append([]strict.Key{addrKey("host", "The address of the pod.", &p.Addr)}, locationKeys(&p.Location)...),
		strict.Optional("set", "The SET of the pod.", func(n strict.Node) {
			set, err := location.ParseSET(n.TextOr())
			n.Form("SET name")
			if err != nil {
				n.Errorf("%v", err)
			}
			p.SET = set
		}),
		strict.Optional("shared", "Whether the pod shares the address of its node.", strict.Bool(&p.Shared)),
		strict.Optional("labels", "The labels of the pod.", strict.Texts(&p.Labels)),
	)...)
	f.Pods = append(f.Pods, p)
}

// serviceKey returns the key of a service that must be given.
func serviceKey(name, means string, into *route.Service) strict.Key {
	return strict.Required(name, means, fmt.Sprintf("no %s, expected %s: namespace/name", name, name), func(n strict.Node) {
		*into = route.ReadService(n)
	})
}

// addrKey returns the key of an address that must be given.
func addrKey(name, means string, into *netip.Addr) strict.Key {
	return strict.Required(name, means, fmt.Sprintf("no %s, expected %s: an address", name, name), func(n strict.Node) {
		addr, err := netip.ParseAddr(n.TextOr())
		n.Form("address")
		if err != nil {
			n.Errorf("%s %q is not an address", name, n.Raw())
		}
		*into = addr
	})
}

// locationKeys returns the keys of a location.
func locationKeys(into *location.Location) []strict.Key {
	return []strict.Key{
		strict.Optional("region", "The region.", strict.Text(&into.Region)),
		strict.Optional("zone", "The zone.", strict.Text(&into.Zone)),
		strict.Optional("campus", "The campus.", strict.Text(&into.Campus)),
	}
}

func readTime(n strict.Node) time.Time {
	n.Form("time with its zone")
	t, err := time.Parse(time.RFC3339, n.Raw())
	if err != nil {
		n.Errorf("%q is not a time with its zone, expected as 2026-12-01T10:00:00+08:00", n.Raw())
	}
	return t
}
