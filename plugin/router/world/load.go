package world

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/load"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Asking is callers of one kind that asked for a service lately.
type Asking struct {
	Service route.Service // as asked for
	Addr    netip.Addr    // one of the callers, that stands for all
	Callers int
}

// RoadLoad is what a road carries (docs/design.md, 8).
type RoadLoad struct {
	Service string `json:"service"` // as asked for
	Rule    string `json:"rule"`
	Tier    string `json:"tier,omitempty"`
	Level   string `json:"level,omitempty"`
	Where   string `json:"where"`   // SETs and places of the usable instances
	Usable  int    `json:"usable"`  // instances
	Kinds   int    `json:"kinds"`   // of callers that have this road
	Seen    int    `json:"seen"`    // callers that have this road, and asked lately
	Example string `json:"example"` // SET and place of some of the callers
	load.Load
	// Times is how much the instances carry, by any road: 1 is the load when everything
	// works.
	Times float64 `json:"times"`
	// Before is how much the same instances carry now, in a drill or a plan.
	Before *float64 `json:"before,omitempty"`

	service   route.Service
	rule      *route.Rule
	instances []int // by their numbers in a ledger
	kind      int   // of some of the callers
}

// LoadListed is the load up to which a road is not worth a word.
const LoadListed = 1.05

// Carried says how much the road carries, as the beginning of a sentence.
func (r RoadLoad) Carried() string {
	instances, carry := "instances", "carry"
	if r.Usable == 1 {
		instances, carry = "instance", "carries"
	}
	return fmt.Sprintf("%d usable %s of %s %s %.1f times", r.Usable, instances, r.Where, carry, r.Times)
}

// compareLoads puts the highest load first.
func compareLoads(a, b RoadLoad) int {
	return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(b.Seen, a.Seen), cmp.Compare(a.Service, b.Service),
		cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Level, b.Level))
}

// Loads returns the load of each road on which callers are, the highest first. It leaves
// out services of which every instance works: there each load is 1. Loads decides anew, and
// without a hold-down. Up to so many goroutines decide at the same time.
func (w *World) Loads(asking []Asking, workers int) []RoadLoad {
	kinds, counts := w.count(asking)
	survey := w.Survey(kinds)
	var names []route.Service
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, route.Service.Compare)
	all := w.relate(names)
	all = slices.DeleteFunc(all, func(r related) bool { return !w.isDegraded(r) })
	out := []RoadLoad{}
	for batch := range slices.Chunk(all, survey.batchSize()) {
		books := make([]*book, len(batch))
		for n, names := range batch {
			books[n] = newBook(survey, names, func(name route.Service) []int { return counts[name] })
		}
		found := make([][]RoadLoad, len(batch))
		inParallel(len(batch), workers, func(n int) {
			books[n].decide()
			found[n] = books[n].say(books[n].roads(books[n].now))
		})
		out = append(out, slices.Concat(found...)...)
	}
	slices.SortFunc(out, compareLoads)
	return out
}

// isDegraded reports whether an instance of related names is another one when everything
// works.
func (w *World) isDegraded(names related) bool {
	return slices.ContainsFunc(names, func(name route.Service) bool {
		input := explain.Input{Name: w.Rules.Resolve(w.findName(name))}
		w.readInstances(&input)
		return (&Answers{Callees: input.Callees, OwnService: input.OwnService}).isDegraded()
	})
}

// count returns the kinds of callers that asked, and how many of each kind asked for a
// name.
func (w *World) count(asking []Asking) ([]Kind, map[route.Service][]int) {
	var addrs []netip.Addr
	for _, a := range asking {
		addrs = append(addrs, location.Normalize(a.Addr))
	}
	kinds, kindOf := w.kindsAmong(addrs)
	counts := map[route.Service][]int{}
	for n, a := range asking {
		if counts[a.Service] == nil {
			counts[a.Service] = make([]int, len(kinds))
		}
		counts[a.Service][kindOf[addrs[n]]] += a.Callers
	}
	return kinds, counts
}
