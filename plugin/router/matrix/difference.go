package matrix

import (
	"cmp"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// maxChanges is how many changes a what-if lists.
const maxChanges = 100

// note counts what changes for callers of a kind of a service.
func (c *comparison) note(a, b *answers, kind, callers int) {
	before, after := a.answer(kind), b.answer(kind)
	changed := !slices.Equal(a.members(kind), b.members(kind))
	if changed {
		c.whatIf.Callers += callers
		if service := a.Name.Service.String(); service != c.last {
			c.last = service
			c.whatIf.Services++
		}
	}
	far := c.leavesCity(a, b, kind)
	c.whatIf.LeaveCity += callers * number(far)
	left := isLeft(after.Decision) && !isLeft(before.Decision)
	c.whatIf.StillSent += callers * number(left)
	grade := 0
	switch {
	case before.Sent > 0 && after.Sent == 0:
		grade = 4
		c.whatIf.Emptied += callers
	case after.State == route.StateUnusable && before.Usable > 0:
		grade = 3
		c.whatIf.Unusable += callers
	case isFurther(before.State, after.State, before.Decision, after.Decision):
		grade = 2
		c.whatIf.Widened += callers
	case left:
		grade = 2
	case isFurther(after.State, before.State, after.Decision, before.Decision):
		c.whatIf.Healed += callers
	}
	if far {
		grade = max(grade, 1)
	}
	if changed || grade > 0 || before.State != after.State {
		c.list(a, b, kind, callers, grade)
	}
}

// isLeft reports whether callers are left on evacuated instances.
func isLeft(d route.Decision) bool {
	return slices.ContainsFunc(d.Choices, func(c route.Choice) bool { return c.LastResort })
}

// isFurther reports whether callers go from one road, or state, to a later or worse one.
// Nobody goes so from or to the stock answer.
func isFurther(from, to route.State, fromDecision, toDecision route.Decision) bool {
	isWhole := func(s route.State) bool { return s == route.StateStock || s == route.StateShadow }
	switch {
	case isWhole(from) || isWhole(to):
		return false
	case from != to:
		return rank(string(to)) < rank(string(from))
	}
	return to == route.StateWidened && toDecision.Furthest() > fromDecision.Furthest()
}

// leavesCity reports whether callers get usable instances outside of their city, and now
// none of these.
func (c *comparison) leavesCity(a, b *answers, kind int) bool {
	const city = 2
	home := c.kinds.who[kind].Place
	outside := func(r *Registry, a *answers) bool {
		return slices.ContainsFunc(a.members(kind), func(m member) bool {
			i := r.instances[m.number]
			return i.usable && i.place.Cut(city) != home.Cut(city)
		})
	}
	return home.Depth() >= city && a.answer(kind).Usable > 0 && !outside(c.now.registry, a) && outside(c.then.registry, b)
}

// list lists a change, if it is among the worst.
func (c *comparison) list(a, b *answers, kind, callers, grade int) {
	who := c.kinds.who[kind]
	c.changes = append(c.changes, change{grade, api.WhatIfChange{
		Service: a.Name.Service.String(), SET: who.SETs, Place: who.Place.String(), Callers: callers, Example: c.kinds.list[kind].Addr,
		Before: listState(a, kind), After: listState(b, kind),
	}})
	if c.whatIf.MoreChanges++; len(c.changes) >= 16*maxChanges {
		c.cutChanges()
	}
}

// change is a change with its grade: the worst has the highest.
type change struct {
	grade int
	api.WhatIfChange
}

// cutChanges leaves the worst of the changes.
func (c *comparison) cutChanges() {
	slices.SortStableFunc(c.changes, func(x, y change) int {
		return cmp.Or(cmp.Compare(y.grade, x.grade), cmp.Compare(y.Callers, x.Callers), cmp.Compare(x.Service, y.Service),
			cmp.Compare(x.SET, y.SET), cmp.Compare(x.Place, y.Place))
	})
	c.changes = c.changes[:min(len(c.changes), maxChanges)]
}

func listState(a *answers, kind int) api.ListState {
	k, answer := a.state(kind), a.answer(kind)
	return api.ListState{State: k.State, Rule: k.Rule, Tier: k.Tier, Level: k.Level, Sent: answer.Sent, Usable: answer.Usable}
}

// matrix returns the matrix of what would be, with what is beside it.
func (c *comparison) matrix() api.Matrix {
	numbers := c.after.listedColumns()
	m := c.after.frame(numbers)
	for _, r := range c.after.sortedRows() {
		out := c.after.rowOut(r, numbers)
		if before := c.before.rows[r.key]; before != nil {
			now := c.before.rowOut(before, numbers)
			out.Before = &api.RowStates{State: now.State, States: now.States}
			out.Cells = mergeCells(now.Cells, out.Cells)
		}
		m.Rows = append(m.Rows, out)
	}
	m.Cut(c.after.rowLimit(len(m.Columns)))
	c.cutChanges()
	for _, change := range c.changes {
		c.whatIf.Changes = append(c.whatIf.Changes, change.WhatIfChange)
	}
	c.whatIf.MoreChanges -= len(c.changes)
	c.whatIf.Before = c.before.total.states()
	m.WhatIf = &c.whatIf
	return m
}

// mergeCells puts the cells of now beside those of then. Both are in the order of their
// columns.
func mergeCells(now, then []api.MatrixCell) []api.MatrixCell {
	out := []api.MatrixCell{}
	for len(now)+len(then) > 0 {
		switch {
		case len(now) == 0 || len(then) > 0 && then[0].Column < now[0].Column:
			out, then = append(out, then[0]), then[1:]
		case len(then) == 0 || now[0].Column < then[0].Column:
			nothing := api.CellCounts{State: api.CellNothing, States: map[string]int{}}
			out, now = append(out, api.MatrixCell{Column: now[0].Column, CellCounts: nothing, Before: &now[0].CellCounts}), now[1:]
		default:
			both := then[0]
			both.Before = &now[0].CellCounts
			out, now, then = append(out, both), now[1:], then[1:]
		}
	}
	return out
}
