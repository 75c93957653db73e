package location

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// pool keeps one of each thing that entries have in common, while a table is
// made.
type pool struct {
	texts      map[string]string
	labels     map[string]*labels // by their text
	joined     map[[2]*labels]*labels
	said       numbered[statement, statement]
	identities numbered[identityKey, Identity]
	origins    numbered[originsKey, FactOrigins]
}

type identityKey struct {
	Location
	SET    SET
	labels string
}

type originsKey struct {
	FieldOrigins
	labels *labels // nil: the entry's own, if any
}

// numbered gives things numbers.
type numbered[K comparable, V any] struct {
	numbers map[K]uint32
	list    []V
}

func (n *numbered[K, V]) number(key K, make func() V) uint32 {
	i, ok := n.numbers[key]
	if !ok {
		if n.numbers == nil {
			n.numbers = map[K]uint32{}
		}
		v := make()
		i = uint32(len(n.list))
		n.list, n.numbers[key] = append(n.list, v), i
	}
	return i
}

func newPool() *pool {
	return &pool{texts: map[string]string{}, labels: map[string]*labels{"": nil}, joined: map[[2]*labels]*labels{}}
}

// say returns the number of what an entry says.
func (p *pool) say(f *Facts) uint32 {
	labels := p.ownLabels(f.Labels)
	own := Facts{Identity: Identity{f.Location, f.SET, nil}}
	own.Shared = f.Shared
	own.From(ownPlace)
	s := statement{f.Location, f.SET, own.FieldOrigins, labels}
	if i, ok := p.said.numbers[s]; ok {
		return i
	}
	// What is kept holds texts of its own, and not the row that they are part of.
	s.Location, s.SET = Location{p.text(s.Region), p.text(s.Zone), p.text(s.Campus)}, SET(p.text(string(s.SET)))
	return p.said.number(s, func() statement { return s })
}

// ref is what a table keeps of s.
func (p *pool) ref(s *statement, place uint32) ref {
	l, from := cmp.Or(s.labels, noLabels), originsKey{s.FieldOrigins, s.labels}
	if len(l.from) == 0 {
		from.labels = nil
	}
	return ref{
		identity: p.identities.number(identityKey{s.Location, s.SET, l.text}, func() Identity { return Identity{s.Location, s.SET, l.values} }),
		origins:  p.origins.number(from, func() FactOrigins { return FactOrigins{s.FieldOrigins, l.from} }),
		place:    place,
	}
}

var noLabels = &labels{}

// ownLabels are labels of which each is the entry's own.
func (p *pool) ownLabels(values map[string]string) *labels {
	text := labelsText(values)
	l, ok := p.labels[text]
	if !ok {
		l = &labels{text: text, values: make(map[string]string, len(values))}
		for key, value := range values {
			l.values[p.text(key)] = p.text(value)
		}
		p.labels[text] = l
	}
	return l
}

// inheritLabels is statement.inherit for labels: key by key.
func (p *pool) inheritLabels(own, wider *labels) *labels {
	if own == nil || wider == nil {
		return cmp.Or(own, wider)
	}
	both := [2]*labels{own, wider}
	if p.joined[both] == nil {
		p.joined[both] = own.over(wider)
	}
	return p.joined[both]
}

func (p *pool) text(s string) string {
	t, ok := p.texts[s]
	if !ok {
		t = strings.Clone(s)
		p.texts[t] = t
	}
	return t
}

// labelsText is the same for the same labels, and empty for none.
func labelsText(values map[string]string) string {
	if len(values) == 0 {
		return ""
	}
	var text []byte
	for _, key := range slices.Sorted(maps.Keys(values)) {
		text = strconv.AppendQuote(strconv.AppendQuote(text, key), values[key])
	}
	return string(text)
}
