package matrix

import (
	"cmp"
	"math/bits"
	"net/netip"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// Who is who callers are: callers of one Who are in one row. It is immutable.
type Who struct {
	SETs  string // joined by blanks
	Place location.Location
}

// List is what callers that are alike have of a service. The slices are numbers of a
// Registry, and read only.
type List struct {
	Who     *Who
	Kind    *api.KindState // Callers and Example are those of the list
	Callers int
	Example netip.Addr
	Callees []int // instances that could be sent
	Sent    []int // instances that are sent
	Spared  []int // instances that would be sent as well if nothing were evacuated
}

// state returns what the callers of the list have.
func (l *List) state() api.KindState {
	k := *l.Kind
	k.Callers, k.Example = l.Callers, l.Example
	return k
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

// stateCount is how many States there are.
const stateCount = 7

// tally counts callers by state, and their services. Lists of one service must follow each
// other.
type tally struct {
	counts   [stateCount]int // by the rank of the state
	met      uint8           // a bit for each state of some list, also of one without callers
	callers  int
	services int
	last     string // service
}

// add adds a list, and reports whether its service was not there before.
func (t *tally) add(l *List) (isNew bool) {
	if n := rank(l.Kind.State); n >= 0 {
		t.counts[n] += l.Callers
		t.met |= 1 << n
	}
	t.callers += l.Callers
	if isNew = t.services == 0 || t.last != l.Kind.Service; isNew {
		t.last, t.services = l.Kind.Service, t.services+1
	}
	return isNew
}

// states returns the callers by state.
func (t *tally) states() map[string]int {
	out := map[string]int{}
	for n, state := range api.States {
		if t.met&(1<<n) != 0 {
			out[state] = t.counts[n]
		}
	}
	return out
}

// worst returns the worst state, also one of lists without callers.
func (t *tally) worst() string {
	if t.met == 0 {
		return ""
	}
	return api.States[bits.TrailingZeros8(t.met)]
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
func (r *row) noteWorst(l *List) {
	if rank(l.Kind.State) >= rank("first") {
		return
	}
	if r.bad = append(r.bad, l.state()); len(r.bad) >= 16*maxWorst {
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
func rank(state string) int {
	if n, ok := ranks[state]; ok {
		return n
	}
	return -1
}

var ranks = func() map[string]int {
	out := map[string]int{}
	for n, state := range api.States {
		out[state] = n
	}
	return out
}()

// Builder adds lists up. It is not safe for concurrent use.
type Builder struct {
	query    Query
	registry *Registry
	rows     map[key]*row
	entries  map[*Who]entry
	columns  *columns
	numbers  []int   // of the column of each instance; unmet and hidden besides
	stamps   []stamp // of each column
	asked    bitset  // instances that could be sent to the callers
	total    tally
	lists    int
	listed   listed
}

// entry is where the callers of a Who are counted: a row, or nil if the query does not let
// them through.
type entry struct{ row *row }

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
	return &Builder{query: q, registry: r, rows: map[key]*row{}, entries: map[*Who]entry{}, columns: &columns{at: map[key]int{}}, listed: listed{most: q.Kinds}}
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
	r := b.rowOf(l.Who)
	if r == nil {
		return false
	}
	b.lists++
	if b.total.add(l) {
		b.addCallees(l)
	}
	r.add(l)
	r.noteWorst(l)
	isShown := b.query.Callees == (Filter{})
	for _, n := range l.Sent {
		c := b.columnOf(n)
		if c == hidden {
			continue
		}
		isShown = true
		r.sent.add(n)
		if cell := r.cell(c); cell.list != b.lists {
			cell.list = b.lists
			cell.add(l)
		}
	}
	for _, n := range l.Spared {
		if c := b.columnOf(n); c != hidden {
			isShown = true
			r.spared.add(n)
			r.cell(c)
		}
	}
	if isShown {
		b.listed.note(l)
	}
	return true
}

// rowOf returns the row of callers; nil if the query does not let them through.
func (b *Builder) rowOf(w *Who) *row {
	e, ok := b.entries[w]
	if ok {
		return e.row
	}
	if b.query.Callers.passes(strings.Fields(w.SETs), w.Place) {
		k := b.query.Rows.group(w.SETs, w.Place)
		if e.row = b.rows[k]; e.row == nil {
			e.row = &row{key: k, kinds: map[key]bool{}}
			b.rows[k] = e.row
		}
		e.row.kinds[ByKind.group(w.SETs, w.Place)] = true
	}
	b.entries[w] = e
	return e.row
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
		if s := &b.stamps[c]; s.services == 0 || s.last != l.Kind.Service {
			s.last, s.services = l.Kind.Service, s.services+1
		}
	}
}
