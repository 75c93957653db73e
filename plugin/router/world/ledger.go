package world

import (
	"cmp"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/load"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// related is names whose callers share instances: a service, its aliases, and the lane
// addresses that read it.
type related []route.Service

// relate puts the names together that share instances, in the order of the names.
func (w *World) relate(names []route.Service) (out []related) {
	parents := map[route.Service]route.Service{}
	var root func(route.Service) route.Service
	root = func(s route.Service) route.Service {
		if parent, ok := parents[s]; ok && parent != s {
			parents[s] = root(parent)
			return parents[s]
		}
		return s
	}
	sources := make([]route.Service, len(names))
	for n, name := range names {
		resolved := w.Rules.Resolve(w.findName(name))
		sources[n] = w.behind(resolved.Source())
		if resolved.HasOwnService() {
			parents[root(ownServiceOf(resolved))] = root(sources[n])
		}
	}
	index := map[route.Service]int{}
	for n, name := range names {
		i, ok := index[root(sources[n])]
		if !ok {
			i = len(out)
			index[root(sources[n])] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], name)
	}
	return out
}

// ownServiceOf returns the service whose instances a lane address has besides those of
// its target.
func ownServiceOf(name route.Resolved) route.Service {
	if len(name.Read) > 0 {
		return name.Read[0]
	}
	return name.Service
}

// ledger numbers the instances of related names.
type ledger struct {
	callees []*explain.Callee
	weights []uint32
	numbers map[route.Service][]int // of each service's instances
}

func newLedger() *ledger { return &ledger{numbers: map[route.Service][]int{}} }

// numbered is answers with the numbers of their instances.
type numbered struct {
	*Answers
	callees []int // of Callees
	own     []int // of OwnService
}

// enter numbers the instances of answers.
func (l *ledger) enter(a *Answers) numbered {
	n := numbered{Answers: a, callees: l.number(a.Source, a.Callees)}
	if a.OwnService != nil {
		n.own = l.number(ownServiceOf(a.Name), a.OwnService)
	}
	return n
}

// number numbers the instances of a service, once.
func (l *ledger) number(service route.Service, callees []explain.Callee) []int {
	numbers, ok := l.numbers[service]
	if ok {
		return numbers
	}
	numbers = make([]int, len(callees))
	for i := range callees {
		numbers[i] = len(l.callees)
		l.callees = append(l.callees, &callees[i])
		l.weights = append(l.weights, callees[i].Weight)
	}
	l.numbers[service] = numbers
	return numbers
}

// member is an instance of a list, by its number.
type member struct {
	number int
	weight uint32
	*explain.Callee
}

// sentTo returns the list of an answer.
func (n *numbered) sentTo(a *Answer) (out []member) {
	add := func(numbers []int, callees []explain.Callee, m route.Member) {
		out = append(out, member{numbers[m.Index], m.Weight, &callees[m.Index]})
	}
	if a.isStock {
		numbers := n.callees
		if a.ownService != nil {
			numbers = n.own
		}
		for i, c := range a.stock() {
			add(numbers, a.stock(), route.Member{Index: i, Weight: c.Weight})
		}
		return out
	}
	for _, m := range a.members {
		if m.OwnService {
			add(n.own, n.OwnService, m)
		} else {
			add(n.callees, n.Callees, m)
		}
	}
	return out
}

// sharesOf returns how a caller of an answer divides its requests among the usable
// instances of its list: by their weights.
func (n *numbered) sharesOf(a *Answer) []load.Share {
	var out []load.Share
	var sum uint64
	for _, s := range n.sentTo(a) {
		if s.Usable() && s.weight > 0 {
			sum += uint64(s.weight)
			out = append(out, load.Share{Instance: s.number, Part: float64(s.weight)})
		}
	}
	for i := range out {
		out[i].Part /= float64(sum)
	}
	slices.SortFunc(out, func(a, b load.Share) int { return cmp.Compare(a.Instance, b.Instance) })
	return out
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
