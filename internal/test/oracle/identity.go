package oracle

import (
	"maps"
	"net/netip"
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
	if id.SET == "" {
		id.SET = later.SET
	}
	labels := maps.Clone(later.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, id.Labels)
	id.Labels = labels
}

// Caller returns what the sources know of a caller.
func (w *World) Caller(addr netip.Addr) (id Identity) {
	for _, source := range w.Sources {
		switch source {
		case "mapping":
			said, _ := Lookup(w.entries, addr)
			id.join(said)
		case "registry":
			id.join(common(w.registeredAt(addr)))
		case "report":
			id.join(common(w.reportedAt(addr)))
		}
	}
	id.join(w.fallback)
	return id
}

// instance returns the identity of an instance: what the mapping says of its
// host comes before what it registered.
func (w *World) instance(r Registered) (id Identity) {
	if addr, err := netip.ParseAddr(r.Host); err == nil {
		id, _ = Lookup(w.entries, addr)
	}
	id.join(r.said())
	id.join(w.fallback)
	return id
}

// said returns what an instance registered of itself.
func (r Registered) said() Identity {
	id := Identity{Place: r.Location.place()}
	names := []string{r.Metadata["internal-set-name"], r.Metadata["set-group"]}
	if enabled, ok := r.Metadata["internal-enable-set"]; ok && enabled != "Y" {
		names[0] = ""
	}
	for _, name := range names {
		if id.SET == "" && isSET(name) {
			id.SET = name
		}
	}
	return id
}

func (w *World) registeredAt(addr netip.Addr) (out []Identity) {
	for _, r := range w.Instances {
		if r.Host == addr.String() {
			out = append(out, r.said())
		}
	}
	return out
}

func (w *World) reportedAt(addr netip.Addr) (out []Identity) {
	for _, c := range w.Clients {
		if c.Host == addr {
			out = append(out, Identity{Place: c.Location.place()})
		}
	}
	return out
}

// common returns what several records of one host agree on. A record that does
// not know a field does not count for that field. Levels below a level on which
// records differ are unknown.
func common(records []Identity) (id Identity) {
	sets := map[string]bool{}
	for _, r := range records {
		if r.SET != "" {
			id.SET, sets[r.SET] = r.SET, true
		}
	}
	if len(sets) > 1 {
		id.SET = ""
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
	for n, part := range parts {
		if n == 2 && part == "*" {
			continue
		}
		if part == "" || len(part) > 64 || strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			return false
		}
	}
	return true
}
