package matrix

import (
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// numbered are what kinds of callers get of a service, with the numbers of instances.
type numbered struct {
	*world.Answers
	callees []int // all instances that can be sent
	number  map[*explain.Callee]int
	groups  []int            // of each kind, the index of its group; -1 if the kind was not asked for
	states  []*api.KindState // of each group; nil: not looked at yet
	numbers [][]int          // of each group's members
	sent    [][]member       // of each group; nil: not looked at yet
}

// member is an instance of a list: its number, and its weight there.
type member struct {
	number int
	weight uint32
}

// newNumbered gives the instances of answers for so many kinds their numbers.
func newNumbered(r *Registry, list *world.Answers, kinds int) *numbered {
	a := &numbered{Answers: list, groups: slices.Repeat([]int{-1}, kinds), states: make([]*api.KindState, len(list.Groups)), numbers: make([][]int, len(list.Groups)), sent: make([][]member, len(list.Groups)), number: map[*explain.Callee]int{}}
	a.add(r.Numbers(list.Source, list.Callees), list.Callees)
	if list.OwnService != nil {
		a.add(r.Numbers(ownService(list), list.OwnService), list.OwnService)
	}
	for n, g := range list.Groups {
		for _, kind := range g.Kinds {
			a.groups[kind] = n
		}
	}
	return a
}

// ownService returns the service that a lane address has of its own.
func ownService(list *world.Answers) route.Service {
	if len(list.Name.Read) > 0 {
		return list.Name.Read[0]
	}
	return list.Name.Service
}

func (a *numbered) add(numbers []int, list []explain.Callee) {
	a.callees = append(a.callees, numbers...)
	for n := range list {
		a.number[&list[n]] = numbers[n]
	}
}

// answer returns what a kind of callers gets.
func (a *numbered) answer(kind int) *world.Answer { return &a.Groups[a.groups[kind]] }

// members returns the instances that are sent to a kind of callers, by their numbers,
// ascending. The slice is shared: read only.
func (a *numbered) members(kind int) []member {
	n := a.groups[kind]
	if a.sent[n] == nil {
		list := make([]member, 0, a.Groups[n].Sent)
		for callee, weight := range a.Groups[n].List() {
			list = append(list, member{a.number[callee], weight})
		}
		slices.SortFunc(list, func(x, y member) int { return x.number - y.number })
		a.sent[n] = list
	}
	return a.sent[n]
}

// sentTo returns the numbers of the instances that are sent to a kind of callers,
// ascending; nil if the kind was not asked for. The slice is shared: read only.
func (a *numbered) sentTo(kind int) []int {
	n := a.groups[kind]
	if n < 0 {
		return nil
	}
	if a.numbers[n] == nil {
		a.numbers[n] = []int{}
		for _, m := range a.members(kind) {
			a.numbers[n] = append(a.numbers[n], m.number)
		}
	}
	return a.numbers[n]
}

// withIDs returns the numbers of the instances with some ids, ascending. Instances that are
// not there are left out: they went just now.
func (a *numbered) withIDs(ids []string) []int {
	known := make(map[string]bool, len(ids))
	for _, id := range ids {
		known[id] = true
	}
	out := make([]int, 0, len(ids))
	for callee, n := range a.number {
		if known[callee.ID] {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// state returns what a kind of callers has, without how many they are. It is shared: read
// only.
func (a *numbered) state(kind int) *api.KindState {
	n := a.groups[kind]
	if a.states[n] == nil {
		k := a.stateOf(&a.Groups[n])
		a.states[n] = &k
	}
	return a.states[n]
}

func (a *numbered) stateOf(answer *world.Answer) api.KindState {
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

// without returns the numbers of an ascending list that are not in another one.
func without(list, other []int) (out []int) {
	for _, n := range list {
		if _, ok := slices.BinarySearch(other, n); !ok {
			out = append(out, n)
		}
	}
	return out
}
