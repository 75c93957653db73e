package world

import (
	"cmp"
	"slices"

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
	first   map[route.Service]int // the number of a service's first instance
}

// newLedger numbers the instances that answers are made of.
func newLedger(list []*Answers) *ledger {
	l := &ledger{first: map[route.Service]int{}}
	for _, a := range list {
		l.enter(a.Source, a.Callees)
		if a.OwnService != nil {
			l.enter(ownServiceOf(a.Name), a.OwnService)
		}
	}
	return l
}

// enter numbers the instances of a service, once.
func (l *ledger) enter(service route.Service, callees []explain.Callee) {
	if _, ok := l.first[service]; ok {
		return
	}
	l.first[service] = len(l.callees)
	for n := range callees {
		l.callees = append(l.callees, &callees[n])
		l.weights = append(l.weights, callees[n].Weight)
	}
}

// shares returns how a caller of an answer divides its requests among the usable
// instances of its list: by their weights.
func (l *ledger) shares(a *Answers, answer *Answer) []load.Share {
	var out []load.Share
	var sum uint64
	add := func(service route.Service, list []explain.Callee, m route.Member) {
		if list[m.Index].Usable() && m.Weight > 0 {
			sum += uint64(m.Weight)
			out = append(out, load.Share{Instance: l.first[service] + m.Index, Part: float64(m.Weight)})
		}
	}
	answer.each(func(m route.Member) {
		if m.OwnService {
			add(ownServiceOf(a.Name), a.OwnService, m)
		} else {
			add(a.Source, a.Callees, m)
		}
	})
	for n := range out {
		out[n].Part /= float64(sum)
	}
	if answer.Route.Rule != nil && answer.Route.Rule.Blends() {
		slices.SortFunc(out, func(a, b load.Share) int { return cmp.Compare(a.Instance, b.Instance) })
	}
	return out
}

// each calls do for each instance in the list.
func (a *Answer) each(do func(route.Member)) {
	if !a.isStock {
		for _, m := range a.members {
			do(m)
		}
		return
	}
	for n, callee := range a.stock() {
		do(route.Member{OwnService: a.ownService != nil, Index: n, Weight: callee.Weight})
	}
}
