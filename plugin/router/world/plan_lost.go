package world

import (
	"cmp"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Lost is an instance that callers do not come to any more.
type Lost struct {
	Service string `json:"service"`
	Reached
	// NoRoad is true if no road of any kind of caller leads to the instance. Else roads
	// lead there, and nobody is on them now.
	NoRoad bool `json:"noRoad"`
}

// marks are the instances of services that callers of a name come to.
type marks struct {
	roads, lists map[route.Service][]bool
}

// mark marks the instances that callers come to by a name.
func (n *planName) mark() {
	for i, s := range []*side{&n.before, &n.after} {
		n.marks[i] = marks{map[route.Service][]bool{}, map[route.Service][]bool{}}
		s.markRoads(n.marks[i].roads)
		s.markLists(n.marks[i].lists)
	}
}

// markRoads marks the instances that are on some road. Who is outside of a rollout, and
// who gets the stock answer, comes to every instance of that answer. A rule in mode shadow
// leads nobody.
func (s *side) markRoads(into map[route.Service][]bool) {
	met := map[route.Route]bool{}
	for n, share := range s.shares {
		if !s.decides(n) || !share.Rule.Decides() {
			s.markStock(into)
		}
		if !s.decides(n) || share.Rule.Shadow {
			continue
		}
		r := share.Route
		if !r.Rule.HasBounds() { // the roads of all places together lead everywhere
			r.Location = location.Location{}
		}
		if met[r] {
			continue
		}
		met[r] = true
		list := marksOf(into, s.Source, s.Callees)
		for _, i := range r.Reach(s.indexed()) {
			list[i] = true
		}
	}
}

// markLists marks the instances that are in some list.
func (s *side) markLists(into map[route.Service][]bool) {
	for n, share := range s.shares {
		if !s.decides(n) || !share.Rule.Decides() {
			s.markStock(into)
		}
		if !s.decides(n) || share.Rule.Shadow || share.Rule.Rollout == 0 {
			continue
		}
		list := marksOf(into, s.Source, s.Callees)
		for _, i := range s.of(n).indexes {
			list[i] = true
		}
	}
}

// markStock marks the instances of the stock answer.
func (s *side) markStock(into map[route.Service][]bool) {
	service, from := s.Source, s.Callees
	if s.OwnService != nil {
		service, from = s.ownName(), s.OwnService
	}
	list := marksOf(into, service, from)
	for i := range list {
		list[i] = true
	}
}

// marksOf returns the marks of the instances of a service.
func marksOf(into map[route.Service][]bool, service route.Service, instances []explain.Callee) []bool {
	if into[service] == nil {
		into[service] = make([]bool, len(instances))
	}
	return into[service]
}

// lost returns the instances that callers do not come to any more.
func (p *planner) lost() []Lost {
	out := []Lost{}
	var all [2]marks
	for i := range all {
		all[i] = marks{map[route.Service][]bool{}, map[route.Service][]bool{}}
		for _, name := range p.names {
			join(all[i].roads, name.marks[i].roads)
			join(all[i].lists, name.marks[i].lists)
		}
	}
	isMarked := func(marks map[route.Service][]bool, service route.Service, n int) bool {
		return marks[service] != nil && marks[service][n]
	}
	for service, callees := range p.after.world.allInstances() {
		if !p.touched[service] {
			continue
		}
		for n, c := range callees {
			noRoad := isMarked(all[0].roads, service, n) && !isMarked(all[1].roads, service, n)
			if noRoad || isMarked(all[0].lists, service, n) && !isMarked(all[1].lists, service, n) {
				out = append(out, Lost{service.String(), Reached{c.Host, c.Port, string(c.SET), c.Location, c.Usable()}, noRoad})
			}
		}
	}
	slices.SortFunc(out, func(a, b Lost) int {
		order := map[bool]int{true: 0, false: 1}
		return cmp.Or(order[a.NoRoad]-order[b.NoRoad], cmp.Compare(a.Service, b.Service), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
	return out
}

// join adds marks to others.
func join(into, more map[route.Service][]bool) {
	for service, list := range more {
		if into[service] == nil {
			into[service] = make([]bool, len(list))
		}
		for n, marked := range list {
			into[service][n] = into[service][n] || marked
		}
	}
}
