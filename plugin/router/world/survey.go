package world

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Survey asks a state what each of several kinds of callers gets. It decides once for
// all kinds that a decision cannot tell apart. Its answers are those of World.Explain.
// Like its World, a Survey is not safe for concurrent use; its answers are.
type Survey struct {
	// Kinds are the kinds of callers. Answers name a kind by its index.
	Kinds []Kind

	world   *World
	callers []surveyed
	// partitions are the shares of the kinds by the rules among which callers find theirs:
	// many services have the same.
	partitions map[string]*partition
}

// surveyed is the caller that stands for a kind, with what is known of it in this state.
type surveyed struct {
	addr  netip.Addr
	facts location.Facts
}

// Survey returns a survey of the state. Without kinds it is of all kinds of callers that
// the state has.
func (w *World) Survey(kinds []Kind) *Survey {
	w.index()
	if kinds == nil {
		kinds = w.Kinds()
	}
	s := &Survey{Kinds: kinds, world: w, callers: make([]surveyed, len(kinds)), partitions: map[string]*partition{}}
	resolver := w.resolver()
	for n, k := range kinds {
		addr := location.Normalize(k.Addr)
		s.callers[n] = surveyed{addr, resolver.Caller(addr)}
	}
	return s
}

// WithCallees returns the survey of the state after an edit of each instance, as
// World.WithCallees.
func (s *Survey) WithCallees(edit func(*explain.Callee)) *Survey {
	edited := *s
	edited.world = s.world.WithCallees(edit)
	return &edited
}

// Answers are what the kinds of callers of a survey get of a service.
type Answers struct {
	Name   route.Resolved // as asked for
	Source route.Service  // really read: the target of a lane address, the service of an alias
	Exists bool           // there is the service that is really read
	Callee *route.Callee  // the instances of Source, with their index

	// Callees are the same instances. OwnService are those of a lane address's own service,
	// and nil if there is no such service. Both are shared: they must not be written.
	Callees    []explain.Callee
	OwnService []explain.Callee

	// Groups have each kind once.
	Groups []Answer

	*partition // of the kinds

	allHealthy *route.Callee // made at need
}

// Answer is what some kinds of callers get. A decision cannot tell these kinds apart.
type Answer struct {
	Kinds []int // indexes into Survey.Kinds, ascending; shared: they must not be written
	// Route and Why are what Rules.Route returns for each of the kinds. For a lane address
	// that has its own service and no target, Why is route.WhyNoTarget.
	Route route.Route
	Why   route.Why
	// Decision is set if Decides returns true.
	Decision route.Decision
	State    route.State
	Sent     int // instances in the list
	Usable   int // of these

	members    []route.Member // by the decision; nil where the stock answer goes out
	isStock    bool
	ownService []explain.Callee
	callees    []explain.Callee
}

// Decides reports whether the kinds came to a decision. In mode shadow they do.
func (a *Answer) Decides() bool { return a.Why == route.WhyRouted || a.Why == route.WhyShadowed }

// List returns the instances that are sent, with their weights.
func (a *Answer) List() iter.Seq2[*explain.Callee, uint32] {
	return func(yield func(*explain.Callee, uint32) bool) {
		if a.isStock {
			list := a.stock()
			for n := range list {
				if !yield(&list[n], list[n].Weight) {
					return
				}
			}
			return
		}
		for _, m := range a.members {
			list := a.callees
			if m.OwnService {
				list = a.ownService
			}
			if !yield(&list[m.Index], m.Weight) {
				return
			}
		}
	}
}

// stock returns the instances of the stock answer.
func (a *Answer) stock() []explain.Callee {
	if a.ownService != nil {
		return a.ownService
	}
	return a.callees
}

// Of returns what the kinds get of a service.
func (s *Survey) Of(service route.Service) *Answers { return s.For(service, nil) }

// For returns what some of the kinds get of a service: those that are wanted, by their
// index; nil wants all.
func (s *Survey) For(service route.Service, wanted []bool) *Answers {
	a := s.read(service)
	a.keep(wanted)
	a.decide(s.callers)
	return a
}

// keep leaves the wanted kinds in their shares; nil leaves all. The partition that others
// share stays as it is.
func (a *Answers) keep(wanted []bool) {
	if wanted == nil {
		return
	}
	kept := &partition{shares: slices.Clone(a.shares), shareOf: a.shareOf}
	for n, share := range kept.shares {
		kept.shares[n].kinds = slices.DeleteFunc(slices.Clone(share.kinds), func(kind int) bool { return !wanted[kind] })
	}
	a.partition = kept
}

// Each returns what the kinds get of each service, in the order of the services. Up to
// so many goroutines decide at the same time.
func (s *Survey) Each(services []route.Service, workers int) iter.Seq[*Answers] {
	return s.EachFor(services, func(route.Service) []bool { return nil }, workers)
}

// EachFor is Each for some of the kinds, as For. Wanted is called by one goroutine.
func (s *Survey) EachFor(services []route.Service, wanted func(route.Service) []bool, workers int) iter.Seq[*Answers] {
	return func(yield func(*Answers) bool) {
		for batch := range slices.Chunk(services, s.batchSize()) {
			list := make([]*Answers, len(batch))
			for n, service := range batch {
				list[n] = s.read(service)
				list[n].keep(wanted(service))
			}
			inParallel(len(list), workers, func(n int) { list[n].decide(s.callers) })
			for _, a := range list {
				if !yield(a) {
					return
				}
			}
		}
	}
}

// Bounds of how many services are decided before any is given away. A decision for each
// kind of caller of one service is what takes memory.
const (
	maxBatch       = 256
	minBatch       = 8 // so that several goroutines have work
	batchDecisions = 1 << 16
)

// batchSize returns how many services are decided before any is given away.
func (s *Survey) batchSize() int {
	return min(max(batchDecisions/max(len(s.Kinds), 1), minBatch), maxBatch)
}

// read returns what a service has, and its kinds of callers in shares.
func (s *Survey) read(service route.Service) *Answers {
	w := s.world
	input := explain.Input{Name: w.Rules.Resolve(w.findName(service))}
	exists := w.readInstances(&input)
	return &Answers{
		Name: input.Name, Source: w.behind(input.Name.Source()), Exists: exists,
		Callees: input.Callees, OwnService: input.OwnService, partition: s.partition(input.Name),
	}
}

// decide fills in the groups.
func (a *Answers) decide(callers []surveyed) {
	a.indexed()
	for _, share := range a.shares {
		if len(share.kinds) == 0 { // none is wanted
			continue
		}
		for why, kinds := range share.split(callers) {
			a.Groups = append(a.Groups, a.answer(share.Route, why, kinds))
		}
	}
	slices.SortFunc(a.Groups, func(x, y Answer) int { return x.Kinds[0] - y.Kinds[0] })
}

// answer decides for kinds of callers.
func (a *Answers) answer(r route.Route, why route.Why, kinds []int) Answer {
	if why != route.WhyRouted && why != route.WhyShadowed {
		r = route.Route{Rule: r.Rule}
	}
	answer := Answer{Kinds: kinds, Route: r, Why: a.Name.WithTarget(why, a.Exists), callees: a.Callees, ownService: a.OwnService}
	answer.isStock = answer.Why != route.WhyRouted
	if answer.Decides() {
		answer.Decision, answer.members = r.Answer(a.Callee, explain.Instances(a.OwnService))
	}
	for callee := range answer.List() {
		answer.Sent++
		if callee.Usable() {
			answer.Usable++
		}
	}
	answer.State = route.StateStock
	if answer.Decides() {
		answer.State = r.State(answer.Decision, answer.Sent, answer.Usable)
	}
	return answer
}

// share is the kinds of callers with one Route, whatever the rollout of its rule.
type share struct {
	route.Route
	kinds []int
}

// indexed returns Callee, which it makes at need.
func (a *Answers) indexed() *route.Callee {
	if a.Callee == nil {
		a.Callee = route.NewCallee(explain.Instances(a.Callees))
	}
	return a.Callee
}

// split returns the kinds of the share by the reason for which they get the stock answer.
func (s share) split(callers []surveyed) map[route.Why][]int {
	if s.Rule == nil {
		return map[route.Why][]int{route.WhyNoRule: s.kinds}
	}
	out := map[route.Why][]int{}
	for _, n := range s.kinds {
		why := s.Rule.Why(callers[n].addr)
		out[why] = append(out[why], n)
	}
	return out
}

// partition is all kinds of callers in shares.
type partition struct {
	shares  []share
	shareOf []int // the number of the share of each kind
}

// partition puts together the kinds that are routed alike when they ask for a name.
func (s *Survey) partition(name route.Resolved) *partition {
	rules := s.world.Rules.Candidates(name)
	var key []byte
	for _, rule := range rules {
		key = fmt.Appendf(key, "%p ", rule)
	}
	p, ok := s.partitions[string(key)]
	if !ok {
		p = s.partitionAmong(rules)
		s.partitions[string(key)] = p
	}
	return p
}

// partitionAmong puts together the kinds that are routed alike by rules.
func (s *Survey) partitionAmong(rules route.Candidates) *partition {
	p := &partition{shareOf: make([]int, len(s.callers))}
	index := map[route.Route]int{}
	for n := range s.callers {
		r := route.Route{Rule: rules.Find(s.callers[n].addr, s.callers[n].facts.Identity)}
		if r.Rule != nil && r.Rule.HasStages() {
			r = s.world.Rules.RouteBy(r.Rule, s.callers[n].facts.Identity)
		}
		i, ok := index[r]
		if !ok {
			i = len(p.shares)
			index[r] = i
			p.shares = append(p.shares, share{Route: r})
		}
		p.shareOf[n] = i
		p.shares[i].kinds = append(p.shares[i].kinds, n)
	}
	return p
}
