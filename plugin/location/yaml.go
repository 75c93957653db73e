package location

import (
	"net/netip"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// readYAML reads a file. README.md has the format.
func (l *mappingLoader) readYAML(root strict.Node) {
	root.Bind(
		strict.Version(),
		strict.Optional("topology", "The places that there are: zones by region, and campuses by zone. If it is given, every place of a mapping must be in it. It can stand in several files.",
			func(n strict.Node) {
				n.NotNull("no key topology")
				if l.table.topology == nil {
					l.table.topology = topology{}
				}
				l.table.topology.read(n)
			}),
		strict.Optional("mappings", "The entries: what is known of which addresses.", strict.Each(l.readEntry)),
		strict.Optional("default", "What is known of callers and instances of whom no source knows it. It can stand in one file.",
			func(n strict.Node) {
				if n.NotNull("no key default"); n.Null() {
					return
				}
				if e, ok := readFacts(n, defaultKeys); ok {
					l.setDefault(e)
				}
			}),
	)
}

// readEntry reads an entry of the list `mappings`.
func (l *mappingLoader) readEntry(n strict.Node) {
	var match strict.Node
	hasMatch := false
	e, ok := readFacts(n, func(e *entry) []strict.Key {
		keys := append([]strict.Key{strict.Optional("match", "The addresses: an address, a prefix, a range, or a list of those.",
			func(value strict.Node) { match, hasMatch = value, true })}, defaultKeys(e)...)
		return append(keys, strict.Optional("shared",
			"Whether many callers stand behind the address, as behind NAT. What is registered or reported there is then not believed.",
			func(value strict.Node) {
				value.Default(false)
				if shared, _ := value.Bool(); shared {
					e.facts.Shared = &Origin{}
				}
			}))
	})
	if !hasMatch {
		n.Errorf("the entry has no match, expected match: an address, a prefix, a range, or a list of those")
		return
	}
	items := match.OneOrItems()
	if len(items) == 0 {
		match.Errorf("match names no address, expected an address, a prefix, a range, or a list of those")
	}
	var ref entryRef
	if ok {
		ref = l.addRow(e, texts(items)...)
	}
	for _, item := range items {
		if prefixes := readMatch(item); ok {
			l.insert(ref, entry{file: item.File(), line: item.Line(), col: item.Col()}, prefixes)
		}
	}
}

func texts(items []strict.Node) (out []string) {
	for _, item := range items {
		out = append(out, item.Raw())
	}
	return out
}

// readMatch returns the prefixes of one match; nil after a fault.
func readMatch(n strict.Node) []netip.Prefix {
	s, ok := n.Text()
	n.Form("address, prefix or range")
	if !ok {
		return nil
	}
	prefixes, err := ParseMatch(s)
	if err != nil {
		n.Errorf("%v", err)
	}
	return prefixes
}

// readFacts reads what an entry or the default says of an address; ok is false
// after a fault.
func readFacts(n strict.Node, keys func(*entry) []strict.Key) (e *entry, ok bool) {
	before := n.Faults()
	e = &entry{file: n.File(), line: n.Line(), col: n.Col()}
	n.Bind(keys(e)...)
	if err := e.checkFields("entry"); err != nil && n.Faults() == before {
		n.Errorf("%v", err)
	}
	return e, n.Faults() == before
}

// defaultKeys returns the keys of the default, which entries have as well.
func defaultKeys(e *entry) []strict.Key {
	f := &e.facts
	return []strict.Key{
		strict.Optional("region", "The region.", e.levelReader(0)),
		strict.Optional("zone", "The zone, in a region.", e.levelReader(1)),
		strict.Optional("campus", "The campus, in a zone.", e.levelReader(2)),
		strict.Optional("set", "The name of the SET, as `business.area.group`.", func(n strict.Node) { f.SET = readSET(n) }),
		strict.Optional("labels", "Labels, for `when` and templates of rules.", func(n strict.Node) {
			n.NotNull("no key labels")
			strict.Texts(&f.Labels)(n)
		}),
	}
}

// levelReader returns a reader of the name of a level of the location.
func (e *entry) levelReader(level int) func(strict.Node) {
	return func(n strict.Node) {
		name, _ := e.facts.level(level)
		*name, e.levels[level] = n.TextOr(), positionOf(n)
	}
}

// readSET reads a SET name. It returns "" for an empty text, and after a fault.
func readSET(n strict.Node) SET {
	text, ok := n.Text()
	n.Form("SET name")
	if !ok || text == "" {
		return ""
	}
	set, err := ParseSET(text)
	if err != nil {
		n.Errorf("%v", err)
	}
	return set
}
