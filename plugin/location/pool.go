package location

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// pool keeps one copy of what entries have in common while a table is made.
type pool struct {
	texts      map[string]string
	labels     map[string]*labels // by labelsText
	joined     map[[2]*labels]*labels
	statements interner[statement, statement] // before inheritance
	identities interner[identityKey, Identity]
	origins    interner[originsKey, FactOrigins]
}

type identityKey struct {
	Location
	SET    SET
	labels string
}

type originsKey struct {
	FieldOrigins
	labels *labels // nil: every label comes from the entry's own row
}

// interner keeps one value for each key and numbers the values from 0.
type interner[K comparable, V any] struct {
	numbers map[K]uint32
	list    []V
}

// intern returns the number of the value with a key. It makes the value when the
// key is new.
func (i *interner[K, V]) intern(key K, newValue func() V) uint32 {
	number, ok := i.numbers[key]
	if !ok {
		if i.numbers == nil {
			i.numbers = map[K]uint32{}
		}
		value := newValue()
		number = uint32(len(i.list))
		i.list, i.numbers[key] = append(i.list, value), number
	}
	return number
}

func newPool() *pool {
	return &pool{texts: map[string]string{}, labels: map[string]*labels{"": nil}, joined: map[[2]*labels]*labels{}}
}

// statement returns the number of the statement that an entry makes.
func (p *pool) statement(f *Facts) uint32 {
	labels := p.entryLabels(f.Labels)
	unlabelled := Facts{Identity: Identity{Location: f.Location, SET: f.SET}}
	unlabelled.Shared = f.Shared
	unlabelled.AssignOrigin(rowOrigin)
	s := statement{f.Location, f.SET, unlabelled.FieldOrigins, labels}
	if number, ok := p.statements.numbers[s]; ok {
		return number
	}
	// The pool keeps its own copies of the texts, so that the whole row can go.
	s.Location, s.SET = Location{p.text(s.Region), p.text(s.Zone), p.text(s.Campus)}, SET(p.text(string(s.SET)))
	return p.statements.intern(s, func() statement { return s })
}

// ref returns what a table keeps for a prefix with the statement s.
func (p *pool) ref(s *statement, row uint32) ref {
	l, from := cmp.Or(s.labels, noLabels), originsKey{s.FieldOrigins, s.labels}
	if len(l.from) == 0 {
		from.labels = nil
	}
	return ref{
		identity: p.identities.intern(identityKey{s.Location, s.SET, l.text}, func() Identity { return Identity{Location: s.Location, SET: s.SET, Labels: l.values} }),
		origins:  p.origins.intern(from, func() FactOrigins { return FactOrigins{s.FieldOrigins, l.from} }),
		row:      row,
	}
}

var noLabels = &labels{}

// entryLabels returns the labels of an entry before inheritance; nil for none.
func (p *pool) entryLabels(values map[string]string) *labels {
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

// inheritLabels returns the labels of an entry joined, key by key, with the labels
// of the next wider entry.
func (p *pool) inheritLabels(narrow, wider *labels) *labels {
	if narrow == nil || wider == nil {
		return cmp.Or(narrow, wider)
	}
	both := [2]*labels{narrow, wider}
	if p.joined[both] == nil {
		p.joined[both] = narrow.join(wider)
	}
	return p.joined[both]
}

// text returns the pool's copy of a text.
func (p *pool) text(s string) string {
	t, ok := p.texts[s]
	if !ok {
		t = strings.Clone(s)
		p.texts[t] = t
	}
	return t
}

// labelsText returns a text that is the same for the same labels, and empty for
// no labels.
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
