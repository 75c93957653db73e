package cases

import (
	"net/netip"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// readOthers reads what dumps of a running server have beside instances: the
// sources of identities, services without an instance, Polaris aliases, what clients reported, pods, and the callers that asked lately.
func (f *File) readOthers(fields map[string]strict.Node) {
	if n, given := fields["sources"]; given {
		f.Sources = []string{}
		for _, item := range n.Items() {
			if word, ok := item.Word(location.SourceNames...); ok {
				f.Sources = append(f.Sources, word)
			}
		}
	}
	for _, item := range items(fields, "services") {
		service, err := route.ParseService(item.TextOr())
		if err != nil {
			item.Errorf("%v", err)
		}
		f.Names = append(f.Names, service)
	}
	for _, item := range items(fields, "aliases") {
		of := item.Fields("alias", "service")
		if f.Aliases == nil {
			f.Aliases = map[route.Service]route.Service{}
		}
		f.Aliases[readService(item, of, "alias")] = readService(item, of, "service")
	}
	for _, item := range items(fields, "clients") {
		of := item.Fields("host", "region", "zone", "campus")
		f.Clients = append(f.Clients, world.Client{Addr: readAddr(item, of, "host"), Location: readLocation(of)})
	}
	for _, item := range items(fields, "pods") {
		f.Pods = append(f.Pods, readPod(item))
	}
	for _, item := range items(fields, "callers") {
		of := item.Fields("address", "requests")
		requests := 1
		if at, given := of["requests"]; given {
			requests, _ = at.Int(0, 1<<62)
		}
		f.Seen = append(f.Seen, world.Seen{Addr: readAddr(item, of, "address"), Requests: uint64(requests)})
	}
}

func readPod(n strict.Node) world.Pod {
	of := n.Fields("host", "region", "zone", "campus", "set", "shared", "labels")
	p := world.Pod{Addr: readAddr(n, of, "host"), Location: readLocation(of)}
	if at, given := of["set"]; given {
		set, err := location.ParseSET(at.TextOr())
		if err != nil {
			at.Errorf("%v", err)
		}
		p.SET = set
	}
	if at, given := of["shared"]; given {
		p.Shared, _ = at.Bool()
	}
	if at, given := of["labels"]; given {
		p.Labels = map[string]string{}
		for _, e := range at.Entries() {
			p.Labels[e.Key.Raw()] = e.Value.TextOr()
		}
	}
	return p
}

func items(fields map[string]strict.Node, key string) []strict.Node {
	if n, given := fields[key]; given {
		return n.Items()
	}
	return nil
}

func readLocation(fields map[string]strict.Node) location.Location {
	return location.Location{Region: text(fields, "region"), Zone: text(fields, "zone"), Campus: text(fields, "campus")}
}

func readAddr(n strict.Node, fields map[string]strict.Node, key string) netip.Addr {
	at, given := fields[key]
	if !given {
		n.Errorf("no %s, expected %s: an address", key, key)
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(at.TextOr())
	if err != nil {
		at.Errorf("%s %q is not an address", key, at.Raw())
	}
	return addr
}

func readTime(n strict.Node) time.Time {
	t, err := time.Parse(time.RFC3339, n.Raw())
	if err != nil {
		n.Errorf("%q is not a time with its zone, expected as 2026-12-01T10:00:00+08:00", n.Raw())
	}
	return t
}
