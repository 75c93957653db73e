package oracle

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// join adds what a later source knows (docs/design.md, 4). The SET comes from
// the first source that knows one. Labels are joined key by key. The later source
// adds narrower levels where it agrees on every level that is known.
func (id *Identity) join(later Identity) {
	agrees := true
	for level, name := range id.Place {
		agrees = agrees && (name == "" || name == later.Place[level])
	}
	for level, name := range id.Place {
		if agrees && name == "" {
			id.Place[level] = later.Place[level]
		}
	}
	if len(id.SETs) == 0 {
		id.SETs = later.SETs
	}
	labels := maps.Clone(later.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, id.Labels)
	id.Labels = labels
}

// Caller returns what the sources know of a caller. What is registered or reported at a
// shared address is not believed.
func (w *World) Caller(addr netip.Addr) (id Identity) {
	said, _ := Lookup(w.entries, addr)
	for _, source := range w.Sources {
		switch source {
		case "mapping":
			id.join(said)
		case "registry":
			if !said.Shared {
				id.join(common(w.registeredAt(addr)))
			}
		case "report":
			if !said.Shared {
				id.join(common(w.reportedAt(addr)))
			}
		}
	}
	id.joinDefault(w.fallback)
	return id
}

// joinDefault adds the `default` of the mapping files. Its location counts as one.
func (id *Identity) joinDefault(fallback Identity) {
	if id.Place != (Place{}) {
		fallback.Place = Place{}
	}
	id.join(fallback)
}

// instance returns the identity of an instance: what the mapping says of its
// host comes before what it registered.
func (w *World) instance(r Registered) (id Identity) {
	if addr, err := parseHost(r.Host); err == nil {
		id, _ = Lookup(w.entries, addr)
	}
	id.join(r.said())
	id.joinDefault(w.fallback)
	return id
}

// parseHost reads an address without brackets and zone id. An IPv4-mapped one is the
// IPv4 address.
func parseHost(host string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return addr.WithZone("").Unmap(), err
}

// said returns what an instance registered of itself.
func (r Registered) said() Identity {
	id := Identity{Place: r.Location.place()}
	names := []string{r.Metadata["internal-set-name"], r.Metadata["set-group"]}
	if enabled, ok := r.Metadata["internal-enable-set"]; ok && enabled != "Y" && enabled != "y" {
		names[0] = ""
	}
	for _, name := range names {
		if len(id.SETs) == 0 && isSET(name) {
			id.SETs = []string{name}
		}
	}
	return id
}

// registeredAt returns what the instances at an address say: the healthy ones, or where
// none is healthy the others.
func (w *World) registeredAt(addr netip.Addr) []Identity {
	said := map[bool][]Identity{}
	for _, r := range w.Instances {
		if host, err := parseHost(r.Host); err == nil && host == addr {
			said[r.Healthy] = append(said[r.Healthy], r.said())
		}
	}
	if len(said[true]) > 0 {
		return said[true]
	}
	return said[false]
}

func (w *World) reportedAt(addr netip.Addr) (out []Identity) {
	for _, c := range w.Clients {
		if c.Host == addr {
			out = append(out, Identity{Place: c.Location.place()})
		}
	}
	return out
}

// common returns what several records of one host say together: every SET, and the
// levels of the location on which they agree. A record that does not know a field does
// not count for that field.
func common(records []Identity) (id Identity) {
	for _, r := range records {
		for _, set := range r.SETs {
			if !slices.Contains(id.SETs, set) {
				id.SETs = append(id.SETs, set)
			}
		}
	}
	for level := range id.Place {
		names := map[string]bool{}
		for _, r := range records {
			if name := r.Place[level]; name != "" {
				id.Place[level], names[name] = name, true
			}
		}
		if len(names) > 1 {
			id.Place[level] = ""
			break
		}
	}
	return id
}

// isSET reports whether a name is a SET name (docs/design.md, 2).
func isSET(name string) bool {
	parts := strings.Split(name, ".")
	if len(parts) != 3 {
		return false
	}
	return isSegment(parts[0]) && isSegment(parts[1]) && (parts[2] == "*" || isSegment(parts[2]))
}

func isSegment(text string) bool {
	return text != "" && len(text) <= 64 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}
