package location

import (
	"net/netip"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

func (l *mappingLoader) readYAML(root strict.Node) {
	fields := root.Fields("version", "topology", "mappings", "default")
	strict.Version(root, fields)
	if n, given := fields["topology"]; given {
		if l.table.topology == nil {
			l.table.topology = topology{}
		}
		l.table.topology.read(n)
	}
	if n, given := fields["mappings"]; given {
		for _, item := range n.Items() {
			l.readEntry(item)
		}
	}
	if n, given := fields["default"]; given {
		if e, _, ok := readFacts(n, "region", "zone", "campus", "set", "labels"); ok {
			l.setDefault(e)
		}
	}
}

func (l *mappingLoader) readEntry(n strict.Node) {
	e, fields, ok := readFacts(n, "match", "region", "zone", "campus", "set", "labels", "shared")
	match, given := fields["match"]
	if !given {
		n.Errorf("the entry has no match, expected match: an address, a prefix, a range, or a list of those")
		return
	}
	items := match.OneOrItems()
	if len(items) == 0 {
		match.Errorf("match names no address, expected an address, a prefix, a range, or a list of those")
	}
	var g listed
	if ok {
		g = l.number(e, texts(items)...)
	}
	for _, item := range items {
		if prefixes := readMatch(item); ok {
			l.add(g, entry{file: item.File(), line: item.Line(), col: item.Col()}, prefixes)
		}
	}
}

func texts(items []strict.Node) (out []string) {
	for _, item := range items {
		out = append(out, item.Raw())
	}
	return out
}

func readMatch(n strict.Node) []netip.Prefix {
	s, ok := n.Text()
	if !ok {
		return nil
	}
	prefixes, err := ParseMatch(s)
	if err != nil {
		n.Errorf("%v", err)
	}
	return prefixes
}

// readFacts reads what an entry or the default says of an address, and returns
// its fields. It is not ok after a fault.
func readFacts(n strict.Node, keys ...string) (*entry, map[string]strict.Node, bool) {
	before := n.Faults()
	fields := n.Fields(keys...)
	e := &entry{file: n.File(), line: n.Line(), col: n.Col()}
	f := &e.facts
	for key, into := range map[string]*string{"region": &f.Region, "zone": &f.Zone, "campus": &f.Campus} {
		if at, given := fields[key]; given {
			*into = at.TextOr()
		}
	}
	if at, given := fields["set"]; given {
		if s, ok := at.Text(); ok && s != "" {
			set, err := ParseSET(s)
			if err != nil {
				at.Errorf("%v", err)
			}
			f.SET = set
		}
	}
	if at, given := fields["labels"]; given {
		f.Labels = map[string]string{}
		for _, label := range at.Entries() {
			f.Labels[label.Key.Raw()] = label.Value.TextOr()
		}
	}
	if at, given := fields["shared"]; given {
		if shared, _ := at.Bool(); shared {
			f.Shared = &Origin{}
		}
	}
	if err := e.checkFields("entry"); err != nil && n.Faults() == before {
		n.Errorf("%v", err)
	}
	return e, fields, n.Faults() == before
}
