package matrix

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// maxCells bounds the cells of a matrix: rows go where there are too many.
const maxCells = 50_000

// Matrix returns the lists that were added as a matrix.
func (b *Builder) Matrix(now time.Time) api.Matrix {
	numbers := b.listedColumns()
	m := b.frame(numbers)
	m.Now = now
	for _, r := range b.sortedRows() {
		m.Rows = append(m.Rows, b.rowOut(r, numbers))
	}
	m.Cut(b.rowLimit(len(m.Columns)))
	return m
}

// frame returns the matrix without its rows.
func (b *Builder) frame(numbers []int) api.Matrix {
	m := api.Matrix{
		RowsBy: string(b.query.Rows), ColumnsBy: string(b.query.Columns), Counts: b.total.states(), Services: b.total.services,
		Columns: []api.MatrixColumn{}, Rows: []api.MatrixRow{}, MoreColumns: len(b.columns.list) - len(numbers), Complete: true, Notes: []string{},
	}
	if b.query.Service.Name != "" {
		m.Service = b.query.Service.String()
	}
	for _, n := range numbers {
		c := api.MatrixColumn{SET: b.columns.list[n].set, Place: b.columns.list[n].place.String()}
		if n < len(b.stamps) {
			c.Services = b.stamps[n].services
		}
		m.Columns = append(m.Columns, c)
	}
	position := positions(numbers, len(b.columns.list))
	b.asked.all(func(n int) {
		if p := position[b.numbers[n]]; p >= 0 {
			c, i := &m.Columns[p], b.registry.instances[n]
			c.Instances++
			c.Usable += number(i.usable)
			c.Evacuated += number(i.evacuated)
		}
	})
	b.listed.put(&m)
	return m
}

// number returns 1 for true.
func number(is bool) int {
	if is {
		return 1
	}
	return 0
}

// rowLimit returns how many rows a matrix of so many columns has.
func (b *Builder) rowLimit(columns int) int {
	limit := b.query.Limit
	if limit <= 0 {
		limit = DefaultRows
	}
	return min(limit, MaxRows, max(maxCells/max(columns, 1), 1))
}

// listedColumns returns the numbers of the columns that are listed, in the order of the
// list: where there are too many, those from which the most callers are served.
func (b *Builder) listedColumns() []int {
	numbers := make([]int, len(b.columns.list))
	for n := range numbers {
		numbers[n] = n
	}
	if len(numbers) > MaxColumns {
		callers := make([]int, len(b.columns.list))
		for _, r := range b.rows {
			for c, cell := range r.cells {
				if cell != nil {
					callers[c] += cell.callers
				}
			}
		}
		slices.SortStableFunc(numbers, func(i, j int) int {
			return cmp.Or(cmp.Compare(callers[j], callers[i]), b.columns.list[i].compare(b.columns.list[j]))
		})
		numbers = numbers[:MaxColumns]
	}
	slices.SortFunc(numbers, func(i, j int) int { return b.columns.list[i].compare(b.columns.list[j]) })
	return numbers
}

// positions returns the position of each number in a list, -1 for those that are not in
// the list.
func positions(numbers []int, count int) []int {
	out := make([]int, count)
	for n := range out {
		out[n] = -1
	}
	for position, n := range numbers {
		out[n] = position
	}
	return out
}

// sortedRows returns the rows, the worst first.
func (b *Builder) sortedRows() []*row {
	return slices.SortedFunc(maps.Values(b.rows), func(x, y *row) int {
		return cmp.Or(cmp.Compare(rank(x.worst()), rank(y.worst())), cmp.Compare(y.callers, x.callers), x.compare(y.key))
	})
}

// rowOut returns a row. The numbers are those of the listed columns.
func (b *Builder) rowOut(r *row, numbers []int) api.MatrixRow {
	r.cutWorst()
	out := api.MatrixRow{
		SET: r.set, Place: r.place.String(), Callers: r.callers, Services: r.services, Kinds: len(r.kinds),
		State: r.worst(), States: r.states(), Home: -1, Worst: append([]api.KindState{}, r.bad...), Cells: []api.MatrixCell{},
	}
	if home, ok := b.columns.at[b.query.Columns.group(r.set, r.place)]; ok && b.hasHomes() && r.place.Depth() > 0 {
		out.Home = slices.Index(numbers, home)
	}
	index := map[int]int{} // of a cell by the number of its column
	for position, n := range numbers {
		if n < len(r.cells) && r.cells[n] != nil {
			index[n] = len(out.Cells)
			c := r.cells[n]
			out.Cells = append(out.Cells, api.MatrixCell{Column: position, CellCounts: api.CellCounts{States: c.states(), Callers: c.callers, Services: c.services}})
		}
	}
	b.countInstances(r, func(n int) *api.CellCounts {
		if i, ok := index[b.numbers[n]]; ok {
			return &out.Cells[i].CellCounts
		}
		return &api.CellCounts{}
	})
	for i := range out.Cells {
		out.Cells[i].State = stateOf(out.Cells[i].CellCounts)
	}
	return out
}

// hasHomes reports whether rows say as much of callers as columns say of instances.
func (b *Builder) hasHomes() bool {
	switch b.query.Columns {
	case ByCampus:
		return b.query.Rows == ByKind
	case BySET:
		return b.query.Rows != ByBusiness
	}
	return true
}

// countInstances counts the instances of a row in their cells.
func (b *Builder) countInstances(r *row, cell func(n int) *api.CellCounts) {
	r.sent.all(func(n int) {
		c, i := cell(n), b.registry.instances[n]
		c.Sent++
		c.Usable += number(i.usable)
		c.StillSent += number(i.evacuated)
	})
	r.spared.all(func(n int) {
		if !r.sent.has(n) {
			cell(n).Evacuated++
		}
	})
}

// stateOf returns the worst that is so of a cell.
func stateOf(c api.CellCounts) string {
	for _, state := range api.CellStates {
		_, is := c.States[state]
		switch state {
		case api.CellStillSent:
			is = c.StillSent > 0
		case api.CellEvacuated:
			is = c.Evacuated > 0
		case api.CellNothing:
			is = true
		}
		if is {
			return state
		}
	}
	return api.CellNothing
}
