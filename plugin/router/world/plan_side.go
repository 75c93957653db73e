package world

import (
	"cmp"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// side is what callers get of a name in one state. It decides for a share of kinds when
// it is asked for the share.
type side struct {
	*Answers
	stockList *list
	decided   []*decided // by the number of the share
}

// decided is what a share of kinds gets.
type decided struct {
	chosen  *list // by the rule alone
	indexes []int // of these in Callees
	blended *list // with a rollout by weight; else nil
}

// list is a list of instances with their weights, by host and port.
type list struct {
	entries []entry
	state   explain.State
}

// entry is an instance of a list, with the weight to send.
type entry struct {
	*explain.Callee
	weight uint32
}

func newSide(a *Answers) side { return side{Answers: a, decided: make([]*decided, len(a.shares))} }

// ownName returns the service that has OwnService.
func (a *Answers) ownName() route.Service {
	if len(a.Name.Read) > 0 {
		return a.Name.Read[0]
	}
	return a.Name.Service
}

// sameInstances reports whether decisions of both have the same instances to choose from.
func (a *Answers) sameInstances(other *Answers) bool {
	same := func(a, b explain.Callee) bool {
		return a.Instance == b.Instance && a.ID == b.ID && a.Host == b.Host && a.Port == b.Port
	}
	return a.Source == other.Source && a.Exists == other.Exists && a.Name.HasOwnService() == other.Name.HasOwnService() &&
		(a.OwnService == nil) == (other.OwnService == nil) &&
		slices.EqualFunc(a.Callees, other.Callees, same) && slices.EqualFunc(a.OwnService, other.OwnService, same)
}

// decides reports whether a rule decides for a share, inside of its rollout.
func (s *side) decides(share int) bool {
	rule := s.shares[share].Rule
	return rule != nil && rule.HasStages() && s.Name.WithTarget(route.WhyRouted, s.Exists) == route.WhyRouted
}

// of decides for a share whose rule decides.
func (s *side) of(share int) *decided {
	if s.decided[share] != nil {
		return s.decided[share]
	}
	r := s.shares[share].Route
	d := r.Select(s.indexed())
	out := &decided{indexes: d.Chosen}
	var chosen []entry
	for _, m := range r.Chosen(d, s.Callee.Instances) {
		chosen = append(chosen, entry{&s.Callees[m.Index], m.Weight})
	}
	out.chosen = newList(chosen, explain.State{Answer: explain.AnswerRouted, Rule: r.Rule.Name, Tier: d.Tier(), Level: d.Level()})
	if r.Rule.Blends() {
		var blended []entry
		for _, m := range r.Members(d, s.Callee.Instances, explain.Instances(s.OwnService)) {
			from := s.Callees
			if m.OwnService {
				from = s.OwnService
			}
			blended = append(blended, entry{&from[m.Index], m.Weight})
		}
		out.blended = newList(blended, out.chosen.state)
		out.blended.state.Answer = explain.AnswerBlended
	}
	s.decided[share] = out
	return out
}

// stock returns the stock answer to a share.
func (s *side) stock(share int) *list {
	if s.stockList == nil {
		from := s.Callees
		if s.OwnService != nil {
			from = s.OwnService
		}
		entries := make([]entry, len(from))
		for n := range from {
			entries[n] = entry{&from[n], from[n].Weight}
		}
		s.stockList = newList(entries, explain.State{Answer: explain.AnswerStock})
	}
	rule := s.shares[share].Rule
	if rule == nil {
		return s.stockList
	}
	named := *s.stockList
	named.state.Rule = rule.Name
	return &named
}

// shadow returns the stock answer beside a decision.
func (s *side) shadow(share int) *list {
	l := s.stock(share)
	decided := s.of(share).chosen.state
	l.state.Answer, l.state.Tier, l.state.Level = explain.AnswerShadow, decided.Tier, decided.Level
	return l
}

// newList returns the list of entries, which it sorts.
func newList(entries []entry, state explain.State) *list {
	sortEntries(entries)
	state.Instances = len(entries)
	for _, e := range entries {
		if e.Usable() {
			state.Usable++
		}
	}
	return &list{entries, state}
}

// shown returns the list in short, with its first hosts.
func (l *list) shown() explain.State {
	if l.state.Hosts == nil {
		for _, e := range l.entries[:min(len(l.entries), explain.HostsShown)] {
			l.state.Hosts = append(l.state.Hosts, e.Host)
		}
	}
	return l.state
}

// sortEntries orders entries by host and port.
func sortEntries(entries []entry) {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port), cmp.Compare(a.ID, b.ID))
	})
}

// equal reports whether both lists send the same.
func (l *list) equal(other *list) bool {
	return slices.EqualFunc(l.entries, other.entries, func(a, b entry) bool {
		return a.ID == b.ID && a.Host == b.Host && a.Port == b.Port && a.weight == b.weight
	})
}

// leaves reports whether some usable instance is outside of a place, compared down to
// depth levels.
func (l *list) leaves(place location.Location, depth int) bool {
	return slices.ContainsFunc(l.entries, func(e entry) bool { return e.Usable() && e.Location.Cut(depth) != place.Cut(depth) })
}
