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
	texts     map[string]string
	labels    map[string]*labels // by their text
	joined    map[[2]*labels]*labels
	said      numbered[statementKey, statement]
	origins   numbered[origin, origin]
	sets      numbered[SET, SET]
	labelings numbered[*labels, *labels]
}

// statementKey is what two entries that say the same have in common.
type statementKey struct {
	Location
	SET    SET
	shared bool
	labels string
}

// numbered gives things numbers.
type numbered[K comparable, V any] struct {
	numbers map[K]uint32
	list    []V
}

func (n *numbered[K, V]) number(key K, make func() V) uint32 {
	i, has := n.numbers[key]
	if !has {
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
	p := &pool{texts: map[string]string{}, labels: map[string]*labels{"": nil}, joined: map[[2]*labels]*labels{}}
	p.labelings.number(nil, func() *labels { return nil }) // none is number 0
	return p
}

// say returns the number of what an entry says.
func (p *pool) say(f *Facts) uint32 {
	key := statementKey{f.Location, f.SET, f.Shared != nil, labelsText(f.Labels)}
	if i, has := p.said.numbers[key]; has {
		return i
	}
	own := *f
	own.From(ownPlace)
	// The key holds texts of its own, and not the row that they are part of.
	key.Location, key.SET = Location{p.text(f.Region), p.text(f.Zone), p.text(f.Campus)}, SET(p.text(string(f.SET)))
	return p.said.number(key, func() statement {
		o := origin{key.Location, own.RegionFrom, own.ZoneFrom, own.CampusFrom, own.SETFrom, own.Shared}
		return statement{o, key.SET, p.ownLabels(key.labels, own.Labels)}
	})
}

// ref is what a table keeps of s.
func (p *pool) ref(s statement, place uint32) ref {
	return ref{
		origin: p.origins.number(s.origin, func() origin { return s.origin }),
		set:    p.sets.number(s.SET, func() SET { return s.SET }),
		labels: p.labelings.number(s.labels, func() *labels { return s.labels }),
		place:  place,
	}
}

// ownLabels are labels of which each is the entry's own.
func (p *pool) ownLabels(text string, values map[string]string) *labels {
	l, has := p.labels[text]
	if !has {
		l = &labels{make(map[string]string, len(values)), make(map[string]*Place, len(values))}
		for key, value := range values {
			key = p.text(key)
			l.values[key], l.from[key] = p.text(value), ownPlace
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
	t, has := p.texts[s]
	if !has {
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
