package world

import (
	"cmp"
	"encoding/binary"
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
}

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
	for batch := range slices.Chunk(all, batchSize) {
		read := make([][]*Answers, len(batch))
		for n, names := range batch {
			read[n] = survey.readAll(names)
		}
		found := make([][]RoadLoad, len(batch))
		inParallel(len(batch), workers, func(n int) {
			b := newBook(survey, read[n], func(name route.Service) []int { return counts[name] })
			found[n] = b.roads(b.now)
		})
		out = append(out, slices.Concat(found...)...)
	}
	slices.SortFunc(out, compareLoads)
	return out
}

// readAll reads what related names have, without deciding.
func (s *Survey) readAll(names related) (out []*Answers) {
	for _, name := range names {
		out = append(out, s.read(name))
	}
	return out
}

// isDegraded reports whether an instance of related names is another one when everything
// works.
func (w *World) isDegraded(names related) bool {
	for _, name := range names {
		input := explain.Input{Name: w.Rules.Resolve(w.findName(name))}
		w.readInstances(&input)
		for _, list := range [][]explain.Callee{input.Callees, input.OwnService} {
			for n := range list {
				if isDegraded(&list[n]) {
					return true
				}
			}
		}
	}
	return false
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

// book has what the callers of related names get, and what they would get if everything
// worked.
type book struct {
	survey  *Survey
	ledger  *ledger
	callers [][]int    // of each name, by group
	now     []*Answers // of each name
	first   [][][]load.Share
}

// newBook decides for names that were read. Counts returns how many callers of each kind
// asked for a name, nil for none.
func newBook(survey *Survey, read []*Answers, counts func(route.Service) []int) *book {
	b := &book{survey: survey, ledger: newLedger(read), now: read}
	for _, a := range read {
		a.decide(survey.callers)
		working := a
		if a.isDegraded() {
			working = a.WhatIf(works, nil)
		}
		b.callers = append(b.callers, callersOf(a, counts(a.Name.Service)))
		b.first = append(b.first, b.sharesOf(working, len(b.callers)-1))
	}
	return b
}

// isDegraded reports whether an instance is another one when everything works.
func (a *Answers) isDegraded() bool {
	degraded := func(c explain.Callee) bool { return isDegraded(&c) }
	return slices.ContainsFunc(a.Callees, degraded) || slices.ContainsFunc(a.OwnService, degraded)
}

// callersOf returns how many callers of each group asked.
func callersOf(a *Answers, counts []int) []int {
	out := make([]int, len(a.Groups))
	if counts != nil {
		for n, group := range a.Groups {
			for _, kind := range group.Kinds {
				out[n] += counts[kind]
			}
		}
	}
	return out
}

// sharesOf returns the shares of each group of a name that has callers.
func (b *book) sharesOf(a *Answers, name int) [][]load.Share {
	out := make([][]load.Share, len(a.Groups))
	for n := range a.Groups {
		if b.callers[name][n] > 0 {
			out[n] = b.ledger.shares(a, &a.Groups[n])
		}
	}
	return out
}

// roads returns the loads of all roads that callers have by answers, each with the name
// of the same number. The answers are those of the book, or what they would be.
func (b *book) roads(answers []*Answers) []RoadLoad {
	var groups []load.Group
	shares := make([][][]load.Share, len(answers))
	for n, a := range answers {
		shares[n] = b.sharesOf(a, n)
		for g, now := range shares[n] {
			if b.callers[n][g] > 0 {
				groups = append(groups, load.Group{Callers: b.callers[n][g], Now: now, First: b.first[n][g]})
			}
		}
	}
	loads := load.New(b.ledger.weights, groups)
	var out []RoadLoad
	for n, a := range answers {
		index := map[string]int{}
		for g := range a.Groups {
			if len(shares[n][g]) == 0 || a.Groups[g].isStock {
				continue
			}
			key := roadKey(&a.Groups[g], shares[n][g])
			i, ok := index[key]
			if !ok {
				i = len(out)
				index[key] = i
				out = append(out, b.newRoad(a, &a.Groups[g], shares[n][g], loads))
			}
			out[i].Kinds += len(a.Groups[g].Kinds)
			out[i].Seen += b.callers[n][g]
		}
	}
	return out
}

// roadKey returns a text that is equal for equal roads of a name.
func roadKey(a *Answer, shares []load.Share) string {
	key := []byte(a.Route.Rule.Name + "\x00" + a.Decision.Tier() + "\x00" + a.Decision.Level() + "\x00")
	for _, s := range shares {
		key = binary.AppendUvarint(key, uint64(s.Instance))
	}
	return string(key)
}

// newRoad returns a road without the callers that have it.
func (b *book) newRoad(a *Answers, answer *Answer, shares []load.Share, loads *load.Loads) RoadLoad {
	instances := make([]int, len(shares))
	for n, s := range shares {
		instances[n] = s.Instance
	}
	sum := loads.Of(instances)
	return RoadLoad{
		Service: a.Name.Service.String(), Rule: answer.Route.Rule.Name, Tier: answer.Decision.Tier(), Level: answer.Decision.Level(),
		Where: b.ledger.where(instances), Usable: len(instances), Example: b.survey.Kinds[answer.Kinds[0]].Text(), Load: sum, Times: sum.Times(),
	}
}

// whereShown is how many SETs with places a road names.
const whereShown = 3

// where returns the SETs and zones of instances.
func (l *ledger) where(instances []int) string {
	var out []string
	for _, i := range instances {
		c := l.callees[i]
		text := explain.IdentityText(location.Identity{SET: c.SET, Location: c.Location.Cut(int(route.LevelZone))})
		if n, ok := slices.BinarySearch(out, text); !ok {
			out = slices.Insert(out, n, text)
		}
	}
	return shorten(out, whereShown, "; ")
}
