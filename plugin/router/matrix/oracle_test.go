package matrix_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// oracleCell is a cell of the oracle: sets of instances and services, and callers.
type oracleCell struct {
	api.CellCounts
	services, sent, spared map[string]explain.Instance
}

// oracle makes a matrix in the slow way: it asks for an explanation for each group, and
// puts each instance into its cell by names.
type oracle struct {
	q       matrix.Query
	rows    map[string]*api.MatrixRow
	cells   map[string]map[string]*oracleCell // by row and column
	callees map[string]map[string]explain.Callee
	columns map[string]bool
	kinds   map[string]map[string]bool
	service map[string]map[string]bool
}

func newOracle(q matrix.Query) *oracle {
	return &oracle{q, map[string]*api.MatrixRow{}, map[string]map[string]*oracleCell{}, map[string]map[string]explain.Callee{}, map[string]bool{}, map[string]map[string]bool{}, map[string]map[string]bool{}}
}

func city(place location.Location) string { return place.Cut(min(place.Depth(), 2)).String() }

// rowOf and columnOf return the SET and place of a row and a column.
func (o *oracle) rowOf(sets []location.SET, place location.Location) (string, string) {
	var names []string
	for _, set := range sets {
		if name := string(set); o.q.Rows == matrix.ByBusiness {
			names = append(names, strings.Split(name, ".")[0])
		} else {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	at := city(place)
	if o.q.Rows == matrix.ByKind {
		at = place.Cut(place.Depth()).String()
	}
	return strings.Join(slices.Compact(names), " "), at
}

func (o *oracle) columnOf(set string, place location.Location) (string, string) {
	switch o.q.Columns {
	case matrix.BySET:
		return set, city(place)
	case matrix.ByCampus:
		return "", place.Cut(place.Depth()).String()
	}
	return "", city(place)
}

// add adds callers. Bare is the world without evacuations.
func (o *oracle) add(w, bare *world.World, service route.Service, addr netip.Addr, k api.KindState) {
	id := w.Identity(addr)
	set, place := o.rowOf(id.AllSETs(), id.Location)
	name := set + "|" + place
	if o.rows[name] == nil {
		o.rows[name] = &api.MatrixRow{SET: set, Place: place, States: map[string]int{}, Home: -1, Worst: []api.KindState{}, Cells: []api.MatrixCell{}}
		o.cells[name], o.kinds[name], o.service[name] = map[string]*oracleCell{}, map[string]bool{}, map[string]bool{}
	}
	r := o.rows[name]
	r.Callers, r.States[k.State] = r.Callers+k.Callers, r.States[k.State]+k.Callers
	o.kinds[name][fmt.Sprint(id.AllSETs(), id.Location)], o.service[name][k.Service] = true, true
	if slices.Index(api.States, k.State) < slices.Index(api.States, "first") {
		r.Worst = append(r.Worst, k)
	}
	e := w.Explain(world.Request{Addr: addr, Service: service})
	at := map[string]explain.Instance{}
	for _, i := range e.Instances {
		at[i.ID] = i
		set, place := o.columnOf(i.SET, i.Location)
		if column := set + "|" + place; o.callees[column] == nil {
			o.callees[column], o.columns[column] = map[string]explain.Callee{}, true
		}
	}
	met := map[string]bool{}
	for _, i := range e.Instances {
		if i.Sent {
			c := o.cell(name, i)
			c.sent[i.ID] = i
			if column := strings.Join(pair(o.columnOf(i.SET, i.Location)), "|"); !met[column] {
				met[column] = true
				c.Callers, c.States[k.State] = c.Callers+k.Callers, c.States[k.State]+k.Callers
				c.services[k.Service] = i
			}
		}
	}
	if e.Answer == explain.AnswerStock || e.Answer == explain.AnswerShadow {
		return
	}
	for _, i := range bare.Explain(world.Request{Addr: addr, Service: service}).Instances {
		if now := at[i.ID]; i.Sent && !now.Sent {
			o.cell(name, now).spared[i.ID] = now
		}
	}
}

func pair(a, b string) []string { return []string{a, b} }

func (o *oracle) cell(row string, i explain.Instance) *oracleCell {
	column := strings.Join(pair(o.columnOf(i.SET, i.Location)), "|")
	c := o.cells[row][column]
	if c == nil {
		c = &oracleCell{CellCounts: api.CellCounts{States: map[string]int{}}, services: map[string]explain.Instance{}, sent: map[string]explain.Instance{}, spared: map[string]explain.Instance{}}
		o.cells[row][column] = c
	}
	return c
}

// listed returns the rows without their order, by SET and place, with cells by the SET and
// place of their columns.
func (o *oracle) listed() map[string]map[string]api.CellCounts {
	out := map[string]map[string]api.CellCounts{}
	for name, r := range o.rows {
		cells := map[string]api.CellCounts{"": {States: r.States, Callers: r.Callers, Services: len(o.service[name]), Sent: len(o.kinds[name])}}
		for column, c := range o.cells[name] {
			c.Services, c.Sent, c.Evacuated = len(c.services), len(c.sent), 0
			for _, i := range c.sent {
				c.Usable += count(i.Usable)
				c.StillSent += count(i.Evacuated)
			}
			for id := range c.spared {
				if _, ok := c.sent[id]; !ok {
					c.Evacuated++
				}
			}
			c.State = cellState(c.CellCounts)
			if len(c.sent) > 0 || c.Evacuated > 0 {
				cells[column] = c.CellCounts
			}
		}
		out[name] = cells
	}
	return out
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

func cellState(c api.CellCounts) string {
	has := func(state string) bool { _, ok := c.States[state]; return ok }
	switch {
	case has("unusable"):
		return "unusable"
	case c.StillSent > 0:
		return "still-sent"
	case has("widened"):
		return "widened"
	case has("first"):
		return "first"
	case has("shadow"):
		return "shadow"
	case has("stock"):
		return "stock"
	case c.Evacuated > 0:
		return "evacuated"
	}
	return "nothing"
}
