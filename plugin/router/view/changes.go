package view

import (
	"cmp"
	"slices"
	"sync"
	"time"
	"weak"

	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Bounds of the log: changes kept of a kind of caller, and kinds.
const (
	maxChanges     = 32
	maxLoggedKinds = 8192
)

// changeLog keeps the last changes of each kind of caller's view. The zero value
// is ready for use.
type changeLog struct {
	mu    sync.Mutex
	kinds map[changeKey]*changes
}

// changeKey is a kind of caller, across reloads of the rules.
type changeKey struct {
	asked    route.Service
	rule     string
	sets     route.SETs
	location location.Location
}

// changes are the last changes of one kind of caller's view.
type changes struct {
	last  *explain.State
	road  int                       // of the last state: route.Decision.Furthest
	rules weak.Pointer[route.Rules] // under which the last state was decided
	list  []api.Change
}

// note records a view that was just built, unless its content is the content of
// the last one. Why says what made the view before stale; it is empty where no
// view was there.
func (l *changeLog) note(asked route.Service, kind Kind, v *View, snap *Snapshot, cause string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.entry(changeKey{asked, kind.Rule.Name, kind.SETs, kind.Location})
	before, after := log.last, v.state(kind)
	switch {
	case before == nil:
		cause = causeFirst
	case log.rules != weak.Make(snap.rules):
		cause = causeRouting
	case cause == "": // nobody asked for a while
		cause = snap.lastChange.cause
	}
	roadBefore, road := log.road, v.Decision.Furthest()
	log.last, log.road, log.rules = &after, road, weak.Make(snap.rules)
	if before != nil && before.Revision == after.Revision {
		return
	}
	change := api.Change{
		At: now, Service: asked.String(), Rule: kind.Rule.Name, Why: cause, Change: nameChange(before, after, kind.State(v.Decision, len(v.Answer.Instances), v.usable), cmp.Compare(road, roadBefore)), Before: before, After: after,
		Kind: explain.IdentityText(location.Identity{SET: location.SET(kind.SETs), Location: kind.Location}),
	}
	log.list = append(log.list[max(len(log.list)-maxChanges+1, 0):], change)
	if before != nil {
		report(change)
	}
}

// entry returns the changes of a kind, which it makes where there are none.
func (l *changeLog) entry(key changeKey) *changes {
	if l.kinds == nil {
		l.kinds = map[changeKey]*changes{}
	}
	if log, ok := l.kinds[key]; ok {
		return log
	}
	if len(l.kinds) >= maxLoggedKinds {
		for some := range l.kinds { // any of them: this is a bound, not a policy
			delete(l.kinds, some)
			break
		}
	}
	log := &changes{}
	l.kinds[key] = log
	return log
}

// report counts a change from one list to another, and logs a change of tier or
// level.
func report(c api.Change) {
	observe.ViewChanges.WithLabelValues(c.Rule, c.Change).Inc()
	if c.Before.Tier != c.After.Tier || c.Before.Level != c.After.Level {
		text := c.Change
		if c.Change == changeShadow {
			text = "a rule in mode shadow would send another list; callers get the stock answer, as before"
		}
		observe.Log.Info("[SetRouter] "+text, zap.String("service", explain.Plain(c.Service)), zap.String("rule", c.Rule), zap.String("callers", explain.Plain(c.Kind)),
			zap.Stringer("before", c.Before), zap.Stringer("after", c.After), zap.String("why", c.Why))
	}
}

// The words for changes that hurt nobody whom a rule serves.
const (
	changeShadow  = "shadow"  // the rule is in mode shadow: callers get the stock answer
	changeUnknown = "unknown" // the list is empty, as the caller's SET or place is not known
)

// nameChange names a change in one word. The state is that after the change. Widening is
// above 0 if the road after is a later one, and below 0 if it is an earlier one.
func nameChange(before *explain.State, after explain.State, state route.State, widening int) string {
	switch {
	case state == route.StateShadow:
		return changeShadow
	case state == route.StateUnknown:
		return changeUnknown
	case before == nil:
		return "first"
	}
	a, b := before.Instances, after.Instances
	switch {
	case a > 0 && b == 0:
		return "emptied"
	case a == 0 && b > 0:
		return "refilled"
	case widening > 0:
		return "widened"
	case widening < 0:
		return "narrowed"
	}
	return "changed"
}

// list returns the changes of all kinds, the latest first: of one service, or of
// all services where the name is empty.
func (l *changeLog) list(service string) []api.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []api.Change{}
	for key, log := range l.kinds {
		if service == "" || key.asked.String() == service {
			out = append(out, log.list...)
		}
	}
	slices.SortStableFunc(out, func(a, b api.Change) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}
