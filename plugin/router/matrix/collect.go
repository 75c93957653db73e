package matrix

import (
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// workers is how many goroutines decide at the same time.
const workers = 2

// Asked is a group of callers that asked for a service lately, and what they have.
type Asked struct {
	Service route.Service
	State   api.KindState
	Callers []netip.Addr // nil: callers of another node, alike in all, of which State has an example
	// IDs are those of the instances in their list. Unless Listed is true they are not
	// known: the world decides then.
	IDs    []string
	Listed bool
}

// callers returns the callers, or one that stands for all.
func (a *Asked) callers() []netip.Addr {
	if a.Callers != nil {
		return a.Callers
	}
	return []netip.Addr{location.Normalize(a.State.Example)}
}

// Lists are the lists that groups of callers have.
type Lists map[api.KindState]*Asked

// NewLists returns the lists of groups, as far as they are known.
func NewLists(groups []Asked) Lists {
	l := Lists{}
	for n := range groups {
		if g := &groups[n]; g.Listed {
			l[alike(g.State)] = g
		}
	}
	return l
}

// alike returns what callers have who have the same list on every node with the same files
// and instances.
func alike(k api.KindState) api.KindState {
	k.Callers, k.Example, k.Last = 0, netip.Addr{}, time.Time{}
	return k
}

// Complete returns a group of another node with the list that callers of this node have
// who have the same: the world would not know of a hold-down.
func (l Lists) Complete(g Asked) Asked {
	if known := l[alike(g.State)]; known != nil && !g.Listed {
		g.Listed, g.IDs = true, known.IDs
	}
	return g
}

// Seen returns the callers of groups, in the form of a world. A world must have them for
// the groups to be in its matrix.
func Seen(groups []Asked) []world.Seen {
	known := map[netip.Addr]bool{}
	var out []world.Seen
	for _, g := range groups {
		for _, addr := range g.callers() {
			if !known[addr] {
				known[addr] = true
				out = append(out, world.Seen{Addr: addr})
			}
		}
	}
	return out
}

// collector makes lists of what callers have in a world.
type collector struct {
	registry *Registry
	survey   *world.Survey
	spare    bool // instances may be evacuated
	kinds    *kinds
}

// kinds are who the kinds of callers of a survey are.
type kinds struct {
	list []world.Kind
	who  []*Who
	at   map[netip.Addr]int // the kind of a caller that asked
}

func newKinds(list []world.Kind) *kinds {
	k := &kinds{list: list, at: map[netip.Addr]int{}}
	for n, kind := range list {
		var sets []string
		for _, set := range kind.Identity.AllSETs() {
			sets = append(sets, string(set))
		}
		k.who = append(k.who, &Who{strings.Join(sets, " "), kind.Identity.Location})
		for _, addr := range kind.Callers {
			k.at[addr] = n
		}
	}
	return k
}

// newCollector returns a collector for kinds of callers. Evacuated says that instances may
// be evacuated.
func newCollector(r *Registry, s *world.Survey, k *kinds, evacuated bool) *collector {
	return &collector{registry: r, survey: s, kinds: k, spare: evacuated}
}

// hasEvacuations reports whether evacuations are in force in a world.
func hasEvacuations(w *world.World) bool { return len(w.Rules.Evacuations(w.Now)) > 0 }

// answers are what the kinds of callers get of a service, with and without evacuations.
type answers struct {
	*numbered
	spare  *numbered       // nil: nothing is evacuated
	spared map[int][]int   // of each group
	differ map[[2]int]bool // from the answers of another world, by the groups of both
}

// each returns what kinds of callers get of services. Wanted says which kinds ask for a
// service, and nil means all.
func (c *collector) each(services []route.Service, wanted func(route.Service) []bool) iter.Seq[*answers] {
	return func(yield func(*answers) bool) {
		for list := range c.survey.EachFor(services, wanted, workers) {
			a := &answers{numbered: newNumbered(c.registry, list, len(c.kinds.list)), differ: map[[2]int]bool{}}
			if c.spare && c.registry.hasEvacuated(a.callees) {
				spared := list.WhatIf(func(callee *explain.Callee) { callee.Evacuated = false }, func(g *world.Answer) bool { return !g.Decides() })
				a.spare, a.spared = newNumbered(c.registry, spared, len(c.kinds.list)), map[int][]int{}
			}
			if !yield(a) {
				return
			}
		}
	}
}

// sparedOf returns the instances that a kind of callers would be sent besides if nothing
// were evacuated.
func (a *answers) sparedOf(kind int) []int {
	if a.spare == nil || a.groups[kind] < 0 || !a.spare.answer(kind).Decides() {
		return nil
	}
	n := a.groups[kind]
	out, ok := a.spared[n]
	if !ok {
		out = without(a.spare.sentTo(kind), a.sentTo(kind))
		a.spared[n] = out
	}
	return out
}

// list returns what callers of a kind have.
func (c *collector) list(a *answers, kind int, state *api.KindState, callers int, example netip.Addr) List {
	return List{
		Who: c.kinds.who[kind], Kind: state, Callers: callers, Example: example,
		Callees: a.callees, Sent: a.sentTo(kind), Spared: a.sparedOf(kind),
	}
}

// decided returns what so many callers of a kind have, by the world.
func (c *collector) decided(a *answers, kind, callers int) List {
	return c.list(a, kind, a.state(kind), callers, c.kinds.list[kind].Addr)
}

// asked returns what a group of callers has, a list for each kind of them, and which kinds.
func (c *collector) asked(a *answers, g *Asked) (lists []List, order []int) {
	counts := map[int]int{}
	examples := map[int]netip.Addr{}
	for _, addr := range g.callers() {
		kind, ok := c.kinds.at[addr]
		if !ok {
			continue
		}
		if counts[kind] == 0 {
			order, examples[kind] = append(order, kind), addr
		}
		counts[kind]++
	}
	var sent []int
	if g.Listed {
		sent = a.withIDs(g.IDs)
	}
	for _, kind := range order {
		callers := counts[kind]
		if g.Callers == nil {
			callers = g.State.Callers
		}
		l := c.list(a, kind, &g.State, callers, examples[kind])
		if g.Listed {
			l.Sent, l.Spared = sent, without(l.Spared, sent)
		}
		lists = append(lists, l)
	}
	return lists, order
}

// sortByService puts groups of callers in the order of their services, and returns the
// services, each once.
func sortByService(groups []Asked) (sorted []Asked, services []route.Service) {
	sorted = slices.Clone(groups)
	slices.SortStableFunc(sorted, func(a, b Asked) int { return a.Service.Compare(b.Service) })
	for _, g := range sorted {
		services = append(services, g.Service)
	}
	return sorted, slices.Compact(services)
}

// Now returns what callers have now. Groups are the callers that asked lately; World.Seen
// must have them. With Query.All the world decides for all kinds of callers besides.
func Now(w *world.World, groups []Asked, q Query) api.Matrix {
	k := newKinds(w.Kinds())
	c := newCollector(NewRegistry(), w.Survey(k.list), k, hasEvacuations(w))
	b := NewBuilder(q, c.registry)
	groups, services := sortByService(groups)
	if q.All {
		services = w.Services()
	}
	if q.Service.Name != "" {
		services = []route.Service{q.Service}
	}
	for a := range c.each(services, c.undecided(groups, q.All)) {
		asked := map[int]bool{}
		ofService := groupsOf(groups, a.Name.Service)
		for n := range ofService {
			lists, kinds := c.asked(a, &ofService[n])
			for n := range lists {
				asked[kinds[n]] = true
				b.Add(&lists[n])
			}
		}
		if q.All {
			c.addOthers(b, a, asked)
		}
	}
	return b.Matrix(w.Now)
}

// undecided returns of a service which kinds of callers the world has to decide for: those
// whose lists are not known, and all that asked where instances are evacuated. With all it
// is every kind.
func (c *collector) undecided(groups []Asked, all bool) func(route.Service) []bool {
	return func(service route.Service) []bool {
		if all {
			return nil
		}
		return c.wanted(groupsOf(groups, service), func(g *Asked) bool { return !g.Listed || c.spare })
	}
}

// wanted returns which kinds of callers are in some of the groups.
func (c *collector) wanted(groups []Asked, isWanted func(*Asked) bool) []bool {
	out := make([]bool, len(c.kinds.list))
	for n := range groups {
		if !isWanted(&groups[n]) {
			continue
		}
		for _, addr := range groups[n].callers() {
			if kind, ok := c.kinds.at[addr]; ok {
				out[kind] = true
			}
		}
	}
	return out
}

// groupsOf returns the groups of a service; all are sorted by service.
func groupsOf(groups []Asked, service route.Service) []Asked {
	compare := func(g Asked, s route.Service) int { return g.Service.Compare(s) }
	first, _ := slices.BinarySearchFunc(groups, service, compare)
	last := first
	for last < len(groups) && groups[last].Service == service {
		last++
	}
	return groups[first:last]
}

// addOthers adds the kinds of callers that did not ask.
func (c *collector) addOthers(b *Builder, a *answers, asked map[int]bool) {
	for kind := range c.kinds.list {
		if !asked[kind] {
			l := c.decided(a, kind, 0)
			b.Add(&l)
		}
	}
}
