package matrix

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

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

// Seen returns the callers of groups, in the form of a world. A world must have them for
// the groups to be collected.
func Seen(groups []Asked) []world.Seen {
	known := map[netip.Addr]bool{}
	var out []world.Seen
	for _, g := range groups {
		list := g.Callers
		if list == nil {
			list = []netip.Addr{g.State.Example}
		}
		for _, addr := range list {
			if addr = location.Normalize(addr); !known[addr] {
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
	spare    *world.Survey // without evacuations; nil: nothing is evacuated
	kinds    []caller      // of the survey
	kindAt   map[netip.Addr]int
}

// caller is what a matrix shows of a kind of callers.
type caller struct {
	sets  string
	place location.Location
	text  string
}

// newCollector returns a collector for a survey. Kinds are who the callers of the survey
// are.
func newCollector(s *world.Survey, kinds []world.Kind, evacuated bool) *collector {
	c := &collector{registry: NewRegistry(), survey: s, kindAt: map[netip.Addr]int{}}
	if evacuated {
		c.spare = s.WithCallees(func(callee *explain.Callee) { callee.Evacuated = false })
	}
	for n, k := range kinds {
		c.kinds = append(c.kinds, callerOf(k.Identity.Identity))
		for _, addr := range k.Callers {
			c.kindAt[addr] = n
		}
	}
	return c
}

func callerOf(id location.Identity) caller {
	var sets []string
	for _, set := range id.AllSETs() {
		sets = append(sets, string(set))
	}
	return caller{sets: strings.Join(sets, " "), place: id.Location}
}

// answers are what the kinds of callers get of a service, with the numbers of instances.
type answers struct {
	*world.Answers
	c       *collector
	callees []int
	group   []int   // of each kind
	sent    [][]int // of each group; nil: not looked at yet
	spare   *world.Answers
	spared  map[int][]int // of a kind's group, by the first kind of the group
}

// each returns what the kinds of callers get of services.
func (c *collector) each(services []route.Service) iter.Seq[*answers] {
	return func(yield func(*answers) bool) {
		for list := range c.survey.Each(services, workers) {
			if !yield(c.number(list)) {
				return
			}
		}
	}
}

// number gives the instances of answers their numbers.
func (c *collector) number(list *world.Answers) *answers {
	a := &answers{Answers: list, c: c, sent: make([][]int, len(list.Groups)), group: make([]int, len(c.kinds)), spared: map[int][]int{}}
	a.callees = slices.Concat(c.registry.Numbers(list.Callees), c.registry.Numbers(list.OwnService))
	for n, g := range list.Groups {
		for _, kind := range g.Kinds {
			a.group[kind] = n
		}
	}
	if c.spare != nil && c.registry.hasEvacuated(a.callees) {
		a.spare = c.spare.Of(list.Name.Service)
	}
	return a
}

// answer returns what a kind of callers gets, and the numbers of the instances sent.
func (a *answers) answer(kind int) (answer *world.Answer, sent []int) {
	n := a.group[kind]
	answer = &a.Groups[n]
	if a.sent[n] == nil {
		a.sent[n] = make([]int, 0, answer.Sent)
		for callee := range answer.List() {
			a.sent[n] = append(a.sent[n], a.c.registry.Number(callee))
		}
	}
	return answer, a.sent[n]
}

// sparedOf returns the instances that a kind of callers would be sent besides if nothing
// were evacuated.
func (a *answers) sparedOf(kind int, sent []int) []int {
	if a.spare == nil {
		return nil
	}
	n := slices.IndexFunc(a.spare.Groups, func(g world.Answer) bool { return slices.Contains(g.Kinds, kind) })
	g := a.spare.Groups[n]
	if !g.Decides() {
		return nil
	}
	var out []int
	for callee := range g.List() {
		if number := a.c.registry.Number(callee); a.c.registry.instances[number].evacuated && !slices.Contains(sent, number) {
			out = append(out, number)
		}
	}
	return out
}

// list returns what a kind of callers has, by the world.
func (a *answers) list(kind, callers int) List {
	answer, sent := a.answer(kind)
	who := a.c.kinds[kind]
	l := List{State: a.stateOf(answer), SETs: who.sets, Place: who.place, Callees: a.callees, Sent: sent, Spared: a.sparedOf(kind, sent)}
	l.State.Callers, l.State.Example = callers, a.c.survey.Kinds[kind].Addr
	return l
}

// stateOf returns what callers have after a decision.
func (a *answers) stateOf(answer *world.Answer) api.KindState {
	k := api.KindState{Service: a.Name.Service.String(), State: string(answer.State)}
	if answer.Route.Rule != nil {
		k.Rule = answer.Route.Rule.Name
	}
	if answer.Decides() {
		k.Kind = explain.IdentityText(location.Identity{SET: location.SET(answer.Route.SETs), Location: answer.Route.Location})
		k.Tier, k.Level = answer.Decision.Tier(), answer.Decision.Level()
		k.Sent, k.Usable = answer.Sent, answer.Usable
	}
	return k
}

// lists returns what a group of callers has, a list for each kind of them.
func (a *answers) lists(g Asked) []List {
	if g.Callers == nil {
		kind, ok := a.c.kindAt[location.Normalize(g.State.Example)]
		if !ok {
			return nil
		}
		return []List{a.asked(g, kind, g.State)}
	}
	var order []int
	states := map[int]*api.KindState{}
	for _, addr := range g.Callers {
		kind, ok := a.c.kindAt[addr]
		if !ok {
			continue
		}
		if states[kind] == nil {
			state := g.State
			state.Callers, state.Example = 0, addr
			states[kind], order = &state, append(order, kind)
		}
		states[kind].Callers++
	}
	out := make([]List, 0, len(order))
	for _, kind := range order {
		out = append(out, a.asked(g, kind, *states[kind]))
	}
	return out
}

// asked returns what callers of a kind have, who asked.
func (a *answers) asked(g Asked, kind int, state api.KindState) List {
	who := a.c.kinds[kind]
	l := List{State: state, SETs: who.sets, Place: who.place, Callees: a.callees}
	if _, l.Sent = a.answer(kind); g.Listed {
		l.Sent = a.c.registry.Known(g.IDs)
	}
	l.Spared = a.sparedOf(kind, l.Sent)
	return l
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
	kinds := w.Kinds()
	c := newCollector(w.Survey(kinds), kinds, len(w.Rules.Evacuations(w.Now)) > 0)
	b := NewBuilder(q, c.registry)
	groups, services := sortByService(groups)
	if q.All {
		services = w.Services()
	}
	if q.Service.Name != "" {
		services = []route.Service{q.Service}
	}
	for a := range c.each(services) {
		groups = c.addNow(b, a, groups)
	}
	return b.Matrix(w.Now)
}

// addNow adds what callers have of a service. It returns the groups of later services.
func (c *collector) addNow(b *Builder, a *answers, groups []Asked) []Asked {
	asked := map[int]bool{}
	for len(groups) > 0 && groups[0].Service.Compare(a.Name.Service) < 0 {
		groups = groups[1:]
	}
	for len(groups) > 0 && groups[0].Service == a.Name.Service {
		for _, l := range a.lists(groups[0]) {
			asked[c.kindAt[l.State.Example]] = true
			b.Add(&l)
		}
		groups = groups[1:]
	}
	if b.query.All {
		for kind := range c.kinds {
			if !asked[kind] {
				l := a.list(kind, 0)
				b.Add(&l)
			}
		}
	}
	return groups
}
