package view

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// AskedWithin is how long a caller counts after its last request for a service
// (docs/design.md, 8).
const AskedWithin = 2 * time.Minute

// RememberFor is how long a caller is remembered after its last request for a service.
const RememberFor = 15 * time.Minute

// Bounds of what is remembered: addresses, counted anew for each service, of which callers
// decide how many there are, and names of services.
const (
	maxAsked = 1 << 20
	maxNames = 1 << 16
)

// askedLog is who asked for what lately, and what they got. The zero value is ready for
// use. It is safe for concurrent use; noting a caller that is known takes no lock.
type askedLog struct {
	services sync.Map // route.Service to *askedName
	count    atomic.Int64
	left     atomic.Bool // some callers are not remembered, since there are too many
	names    int         // services of the last prune
}

// askedName is who asked for a name. It stays when its callers are forgotten.
type askedName struct {
	callers sync.Map     // netip.Addr to *lastAsked
	at      atomic.Int64 // of the last request, after epoch
}

// lastAsked is the last request of a caller for a service.
type lastAsked struct {
	at       atomic.Int64  // after epoch
	requests atomic.Uint64 // since the caller is remembered
	got      atomic.Pointer[got]
}

// got is what callers got: a view, or the stock answer. It is immutable but for the list.
// Callers who have the same view share it.
type got struct {
	kind        Kind        // of the view; the zero value for the stock answer
	rule        *route.Rule // of the stock answer; nil: no rule
	tier, level string
	state       route.State
	usable      int
	sent        int
	failed      bool    // routing failed
	lapsed      *lapsed // in the place of the others, of a caller that has not asked for AskedWithin
	// lapsing is made at need: the same for callers that have not asked for AskedWithin.
	lapsing atomic.Pointer[got]

	// list is the view's. It is nil of the stock answer, and where nobody keeps the view.
	list atomic.Pointer[[]*apiservice.Instance]
}

// newGot returns what callers got of a view that was just built.
func newGot(kind Kind, v *View) *got {
	g := &got{
		kind: kind, tier: v.Decision.Tier(), level: v.Decision.Level(), state: kind.State(v.Decision, len(v.Answer.Instances), v.usable),
		usable: v.usable, sent: len(v.Answer.Instances),
	}
	g.list.Store(&v.Answer.Instances)
	return g
}

// isStock reports whether it is the stock answer.
func (g *got) isStock() bool { return g.kind.Rule == nil && g.lapsed == nil }

// says reports whether all but the list is the same.
func (g *got) says(other *got) bool {
	return g.kind == other.kind && g.rule == other.rule && g.tier == other.tier && g.level == other.level && g.state == other.state &&
		g.usable == other.usable && g.sent == other.sent && g.failed == other.failed && g.lapsed == other.lapsed
}

// lapsed is what is kept of a caller that has not asked for AskedWithin: the view goes.
type lapsed struct{ rule, kind string }

// note notes that a caller asked. It returns nil if the caller is not remembered.
func (l *askedLog) note(service route.Service, addr netip.Addr, now time.Time) *lastAsked {
	v, ok := l.services.Load(service)
	if !ok {
		v, _ = l.services.LoadOrStore(service, &askedName{})
	}
	name, at := v.(*askedName), int64(now.Sub(epoch))
	name.at.Store(at)
	if !addr.IsValid() {
		return nil
	}
	v, ok = name.callers.Load(addr)
	if !ok {
		if l.count.Load() >= maxAsked {
			l.left.Store(true)
			return nil
		}
		if v, ok = name.callers.LoadOrStore(addr, &lastAsked{}); !ok {
			l.count.Add(1)
		}
	}
	last := v.(*lastAsked)
	last.requests.Add(1)
	last.at.Store(at)
	return last
}

// give notes what the caller got. It does nothing for nil.
func (a *lastAsked) give(what *got) {
	if a == nil {
		return
	}
	before := a.got.Load()
	if before == what || before != nil && before.list.Load() == what.list.Load() && before.says(what) {
		return
	}
	a.got.Store(what)
}

// giveStock notes that the caller got the stock answer, by a rule that may be nil.
func (a *lastAsked) giveStock(rule *route.Rule) {
	if a == nil {
		return
	}
	if before := a.got.Load(); before == nil || !before.isStock() || before.rule != rule {
		a.got.Store(&got{rule: rule})
	}
}

// prune forgets callers that have not asked for RememberFor, and the views of those that
// have not asked for AskedWithin. Names stay as long as there are not too many. One
// goroutine calls it.
func (l *askedLog) prune(now time.Time) {
	var count int64
	tooMany := l.names > maxNames
	l.names = 0
	l.services.Range(func(service, v any) bool {
		name, kept := v.(*askedName), false
		name.callers.Range(func(addr, v any) bool {
			if last := v.(*lastAsked); last.isOlder(now, RememberFor) {
				name.callers.Delete(addr)
			} else {
				kept, count = true, count+1
				last.lapse(now)
			}
			return true
		})
		if !kept && tooMany {
			l.services.Delete(service)
			return true
		}
		l.names++
		return true
	})
	l.count.Store(count)
	if count < maxAsked {
		l.left.Store(false)
	}
}

// lapse keeps the names of the rule and kind of a caller that has not asked for
// AskedWithin, and lets its view go.
func (a *lastAsked) lapse(now time.Time) {
	what := a.got.Load()
	if what == nil || what.lapsed != nil || !a.isPast(now) {
		return
	}
	next := what.lapsing.Load()
	if next == nil {
		rule, kind := what.names()
		next = &got{lapsed: &lapsed{rule, kind}}
		what.lapsing.Store(next)
	}
	a.got.CompareAndSwap(what, next)
}

func (a *lastAsked) isPast(now time.Time) bool { return a.isOlder(now, AskedWithin) }

func (a *lastAsked) isOlder(now time.Time, age time.Duration) bool {
	return int64(now.Sub(epoch))-a.at.Load() > int64(age)
}

// Asked is a kind of caller that asked for a service within AskedWithin.
type Asked struct {
	askedKey
	Callers []netip.Addr // sorted
	Last    time.Time    // of their requests
	// Instances are those of the list that was sent last, unless Listed is false: the stock
	// server answers, or the list is not kept. They are shared: read only.
	Instances []*apiservice.Instance
	Listed    bool
}

// askedKey is what the callers of an Asked have in common.
type askedKey struct {
	Service     route.Service // as asked for
	Rule        *route.Rule   // nil: no rule
	Kind        Kind          // the zero value where the stock server answers
	Tier, Level string        // of the road; empty where the road has no name
	State       route.State
	Usable      int // of the instances in the list; 0 where the stock server answers
	Sent        int
}

// Asked returns who asked for what lately, by service, rule and kind. It looks at every
// caller: it is for operators, not for requests. The list is not complete if there are
// more callers than are remembered.
func (s *Store) Asked() (list []Asked, complete bool) {
	now, groups := s.Now(), map[askedKey]*Asked{}
	s.asked.services.Range(func(service, name any) bool {
		name.(*askedName).callers.Range(func(addr, v any) bool {
			last := v.(*lastAsked)
			key, ok := last.key(service.(route.Service))
			if !ok || last.isPast(now) {
				return true
			}
			group := groups[key]
			if group == nil {
				group = &Asked{askedKey: key}
				groups[key] = group
			}
			group.Callers = append(group.Callers, addr.(netip.Addr))
			if at := epoch.Add(time.Duration(last.at.Load())); at.After(group.Last) {
				group.Last = at
				group.Instances, group.Listed = last.instances()
			}
			return true
		})
		return true
	})
	for _, group := range groups {
		slices.SortFunc(group.Callers, netip.Addr.Compare)
		list = append(list, *group)
	}
	slices.SortFunc(list, Asked.compare)
	return list, !s.asked.left.Load()
}

// AskedFor returns the callers that asked for a service within AskedWithin.
func (s *Store) AskedFor(service route.Service) (addrs []netip.Addr) {
	name, ok := s.asked.services.Load(service)
	if !ok {
		return nil
	}
	now := s.Now()
	name.(*askedName).callers.Range(func(addr, v any) bool {
		if !v.(*lastAsked).isPast(now) {
			addrs = append(addrs, addr.(netip.Addr))
		}
		return true
	})
	return addrs
}

// key returns what the caller has in common with others. It is not ok if nothing was
// given yet, or if routing failed.
func (a *lastAsked) key(service route.Service) (key askedKey, ok bool) {
	what := a.got.Load()
	switch {
	case what == nil || what.lapsed != nil || what.failed:
		return key, false
	case what.isStock():
		return askedKey{Service: service, Rule: what.rule, State: route.StateStock}, true
	}
	return askedKey{
		Service: service, Rule: what.kind.Rule, Kind: what.kind, Tier: what.tier, Level: what.level, State: what.state, Usable: what.usable, Sent: what.sent,
	}, true
}

// instances returns the list that was sent last. It is not ok where the stock server answers,
// or where the list is not kept.
func (a *lastAsked) instances() (list []*apiservice.Instance, ok bool) {
	if what := a.got.Load(); what != nil {
		if kept := what.list.Load(); kept != nil {
			return *kept, true
		}
	}
	return nil, false
}

// compare orders by service, rule and kind.
func (a Asked) compare(b Asked) int {
	name := func(a Asked) string {
		if a.Rule == nil {
			return ""
		}
		return a.Rule.Name
	}
	return cmp.Or(a.Service.Compare(b.Service), cmp.Compare(name(a), name(b)), cmp.Compare(a.Kind.SETs, b.Kind.SETs),
		cmp.Compare(a.Kind.Location.String(), b.Kind.Location.String()), cmp.Compare(a.State, b.State), a.Callers[0].Compare(b.Callers[0]))
}

// NoteStock notes that a caller asked for a service, and that the stock answer is sent.
// Names that are not kept are not noted: clients decide how many there are. The rule may
// be nil.
func (s *Store) NoteStock(q *Query, addr netip.Addr, rule *route.Rule) {
	if q.Kept {
		s.asked.note(q.Service, addr, s.Now()).giveStock(rule)
	}
}

// NoteView notes that a caller has the list of a view, which View returned for q.
func (s *Store) NoteView(q *Query, addr netip.Addr, v *View) {
	if q.Kept {
		s.asked.note(q.Service, addr, s.Now()).give(v.got)
	}
}
