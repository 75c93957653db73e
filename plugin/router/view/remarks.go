package view

import (
	"cmp"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// ManySETs is how many SETs an answer is joined of at most before operators hear of it
// (docs/design.md, 5.1).
const ManySETs = 64

// Remark is what operators should know of the lists that a service's callers get by one
// rule.
type Remark struct {
	Service route.Service // as asked
	Rule    *route.Rule
	// LastResort is how many kinds of callers have evacuated instances, since no road
	// has another usable one; Example is one of them.
	LastResort int
	Example    string
	SETs       int // the most that an answer is joined of; 0 if it is ManySETs or fewer
	// LeftOut is the most that clients which fail over by themselves do not get of a list.
	LeftOut LeftOut
}

// Remarks returns what operators should know of the lists that are kept, by service and
// rule. Remarks looks at every view: it is for operators, not for requests.
func (s *Store) Remarks() []Remark {
	type key struct {
		service route.Service
		rule    *route.Rule
	}
	remarks := map[key]*Remark{}
	s.snapshots.Range(func(k, v any) bool {
		asked := k.(snapshotKey).asked
		v.(*Snapshot).kinds.cells.Range(func(k, c any) bool {
			kind := k.(Kind)
			view, err := c.(*cell).build()
			if err != nil || kind.OnlyHealthy {
				return true
			}
			isLast := slices.ContainsFunc(view.Decision.Choices, func(c route.Choice) bool { return c.LastResort })
			sets, left := len(view.Decision.Choices), c.(*cell).leftOut()
			if !isLast && sets <= ManySETs && left == (LeftOut{}) {
				return true
			}
			r := remarks[key{asked, kind.Rule}]
			if r == nil {
				r = &Remark{Service: asked, Rule: kind.Rule}
				remarks[key{asked, kind.Rule}] = r
			}
			r.add(kind, isLast, sets)
			r.LeftOut = r.LeftOut.larger(left)
			return true
		})
		return true
	})
	out := make([]Remark, 0, len(remarks))
	for _, r := range remarks {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Remark) int {
		return cmp.Or(a.Service.Compare(b.Service), cmp.Compare(a.Rule.Name, b.Rule.Name))
	})
	return out
}

// add adds the view of a kind of caller.
func (r *Remark) add(kind Kind, isLast bool, sets int) {
	if isLast {
		example := explain.IdentityText(location.Identity{SET: location.SET(kind.SETs), Location: kind.Location})
		if r.LastResort++; r.Example == "" || example < r.Example {
			r.Example = example
		}
	}
	if sets > ManySETs {
		r.SETs = max(r.SETs, sets)
	}
}
