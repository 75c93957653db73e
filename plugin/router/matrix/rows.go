package matrix

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// List is what callers that are alike have of a service. The slices are numbers of a
// Registry, and read only.
type List struct {
	State   api.KindState
	SETs    string            // of the callers, joined by blanks
	Place   location.Location // of the callers
	Callees []int             // instances that could be sent
	Sent    []int             // instances that are sent
	Spared  []int             // instances that would be sent as well if nothing were evacuated
}

// bitset is a set of numbers.
type bitset []uint64

func (s *bitset) add(n int) {
	for len(*s) <= n/64 {
		*s = append(*s, make([]uint64, n/64+1-len(*s))...)
	}
	(*s)[n/64] |= 1 << (n % 64)
}

func (s bitset) has(n int) bool { return n/64 < len(s) && s[n/64]&(1<<(n%64)) != 0 }

// all calls f with each number, ascending.
func (s bitset) all(f func(n int)) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			f(w*64 + bits.TrailingZeros64(word))
		}
	}
}

// tally counts callers by state, and their services. Kinds of one service must follow
// each other. The method add reports whether the service was not there before.
type tally struct {
	states   map[string]int
	callers  int
	services int
	last     string // service
}

func (t *tally) add(k *api.KindState) (isNew bool) {
	if t.states == nil {
		t.states = map[string]int{}
	}
	t.states[k.State] += k.Callers
	t.callers += k.Callers
	if isNew = t.services == 0 || t.last != k.Service; isNew {
		t.last, t.services = k.Service, t.services+1
	}
	return isNew
}

// worst returns the worst state, also one of kinds without callers.
func (t *tally) worst() string {
	for _, state := range api.States {
		if _, ok := t.states[state]; ok {
			return state
		}
	}
	return ""
}

// row is a row in the making.
type row struct {
	key
	tally
	kinds  map[key]bool
	cells  []*cell // by column; nil: nothing is sent from there, or would be
	sent   bitset
	spared bitset
	bad    []api.KindState // the worst kinds, not always in order
}

// cell is a cell in the making.
type cell struct {
	tally
	list int // the number of the last list that was added
}

// cell returns the cell of a column.
func (r *row) cell(column int) *cell {
	if column >= len(r.cells) {
		r.cells = append(r.cells, make([]*cell, column+1-len(r.cells))...)
	}
	if r.cells[column] == nil {
		r.cells[column] = &cell{}
	}
	return r.cells[column]
}

// maxWorst is how many of the worst kinds a row lists.
const maxWorst = 5

// noteWorst keeps a kind of callers that is worse off than on the first road, if it is
// among the worst.
func (r *row) noteWorst(k api.KindState) {
	if rank(k.State) >= rank("first") {
		return
	}
	if r.bad = append(r.bad, k); len(r.bad) >= 16*maxWorst {
		r.cutWorst()
	}
}

func (r *row) cutWorst() {
	slices.SortStableFunc(r.bad, compareKinds)
	r.bad = r.bad[:min(len(r.bad), maxWorst)]
}

// compareKinds puts the worst first, then those with the most callers.
func compareKinds(a, b api.KindState) int {
	return cmp.Or(cmp.Compare(rank(a.State), rank(b.State)), cmp.Compare(b.Callers, a.Callers),
		cmp.Compare(a.Service, b.Service), cmp.Compare(a.Kind, b.Kind), a.Example.Compare(b.Example))
}

// rank returns the number of a state, of which the worst has 0.
func rank(state string) int { return slices.Index(api.States, state) }

// Builder adds lists up. It is not safe for concurrent use.
type Builder struct {
	query    Query
	registry *Registry
	rows     map[key]*row
	columns  *columns
	numbers  []int   // of the column of each instance; unmet and hidden besides
	stamps   []stamp // of each column
	asked    bitset  // instances that could be sent to the callers
	total    tally
	lists    int
}

// columns are the columns of one matrix, or of two that are compared.
type columns struct {
	list []key // in the order in which they were met
	at   map[key]int
}

// stamp counts the services with instances in a column.
type stamp struct {
	services int
	last     string // of these
}

// What a column's number is for an instance that no list had yet, and for one that the
// query does not let through.
const (
	unmet  = -1
	hidden = -2
)

// NewBuilder returns a builder without lists.
func NewBuilder(q Query, r *Registry) *Builder {
	return &Builder{query: q, registry: r, rows: map[key]*row{}, columns: &columns{at: map[key]int{}}}
}

// columnOf returns the number of the column of an instance, or hidden.
func (b *Builder) columnOf(n int) int {
	for len(b.numbers) <= n {
		b.numbers = append(b.numbers, unmet)
	}
	if b.numbers[n] == unmet {
		b.numbers[n] = hidden
		if i := b.registry.instances[n]; b.query.Callees.passes(strings.Fields(i.set), i.place) {
			b.numbers[n] = b.columns.number(b.query.Columns.group(i.set, i.place))
		}
	}
	return b.numbers[n]
}

// number returns the number of a column, which it makes where there is none.
func (c *columns) number(k key) int {
	n, ok := c.at[k]
	if !ok {
		n = len(c.list)
		c.list, c.at[k] = append(c.list, k), n
	}
	return n
}

// Add adds a list, unless the query does not let its callers through; then it returns
// false. Lists of one service must follow each other.
func (b *Builder) Add(l *List) bool {
	if !b.query.Callers.passes(strings.Fields(l.SETs), l.Place) {
		return false
	}
	b.lists++
	if b.total.add(&l.State) {
		b.addCallees(l)
	}
	r := b.rowOf(l)
	r.add(&l.State)
	r.kinds[ByKind.group(l.SETs, l.Place)] = true
	r.noteWorst(l.State)
	for _, n := range l.Sent {
		c := b.columnOf(n)
		if c == hidden {
			continue
		}
		r.sent.add(n)
		if cell := r.cell(c); cell.list != b.lists {
			cell.list = b.lists
			cell.add(&l.State)
		}
	}
	for _, n := range l.Spared {
		if c := b.columnOf(n); c != hidden {
			r.spared.add(n)
			r.cell(c)
		}
	}
	return true
}

// rowOf returns the row of a list.
func (b *Builder) rowOf(l *List) *row {
	k := b.query.Rows.group(l.SETs, l.Place)
	r := b.rows[k]
	if r == nil {
		r = &row{key: k, kinds: map[key]bool{}}
		b.rows[k] = r
	}
	return r
}

// addCallees notes the instances of a service that callers ask for.
func (b *Builder) addCallees(l *List) {
	for _, n := range l.Callees {
		c := b.columnOf(n)
		if c == hidden {
			continue
		}
		b.asked.add(n)
		for len(b.stamps) <= c {
			b.stamps = append(b.stamps, stamp{})
		}
		if s := &b.stamps[c]; s.services == 0 || s.last != l.State.Service {
			s.last, s.services = l.State.Service, s.services+1
		}
	}
}
