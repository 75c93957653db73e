package route

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// naming is what a company's SET names look like: a word for each segment, and
// for some of them the values that there are. SET names in rules must keep to
// it; of those in mapping files and instances it is reported.
type naming struct {
	segments [3]string
	values   [3][]string
	at       strict.Node
}

func (l *loader) readNaming(n strict.Node) {
	if l.naming != nil {
		n.Errorf("naming is given twice, first in %s:%d", l.naming.at.File(), l.naming.at.Line())
		return
	}
	l.naming = &naming{at: n}
	l.rules.naming = l.naming
	if n.NotNull("no key naming"); n.Null() {
		return
	}
	n.Bind(
		strict.Required("segments", "The words for the three segments.",
			"naming has no segments, expected three words, as segments: [business, area, group]", l.naming.readSegments),
		strict.Optional("values", "For a segment the values that there are. A segment without them can have any.", l.naming.readValues),
	)
}

func (g *naming) readSegments(n strict.Node) {
	items := n.Items()
	if len(items) != len(g.segments) {
		n.Errorf("found %s, expected three: a SET name has three", plural(len(items), "segment"))
		return
	}
	for i, item := range items {
		word := item.TextOr()
		if slices.Contains(g.segments[:i], word) {
			item.Errorf("segment %q is given twice, expected three different words", word)
		}
		g.segments[i] = word
	}
}

// readValues reads the values of segments. Without readable segments they say
// nothing.
func (g *naming) readValues(n strict.Node) {
	if n.NotNull("no key values for any"); g.segments == [3]string{} {
		return
	}
	for _, e := range n.Entries() {
		i := slices.Index(g.segments[:], e.Key.Raw())
		if i < 0 {
			e.Key.Errorf("unknown segment %q, expected one of %s", e.Key.Raw(), quoteList(g.segments[:]))
			continue
		}
		for _, item := range e.Value.Items() {
			g.values[i] = append(g.values[i], item.TextOr())
		}
	}
}

// check says which segment of a SET name has a value that the naming does not
// list. The group "*" is always in order.
func (g *naming) check(set location.SET) error {
	for i, values := range g.values {
		value := set.Segment(i + 1)
		if len(values) == 0 || value == "*" || slices.Contains(values, value) {
			continue
		}
		hint := ", expected one of " + quoteList(values)
		if near, ok := strict.Nearest(value, values); ok {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return fmt.Errorf("SET name %q breaks the naming of %s:%d: %s %q is not listed%s", set, g.at.File(), g.at.Line(), g.segments[i], value, hint)
	}
	return nil
}
