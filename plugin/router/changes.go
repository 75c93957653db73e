package router

import (
	"cmp"
	"slices"
	"sync"
	"time"
	"weak"

	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Bounds of the log: changes kept of a kind of caller, and kinds.
const (
	changesKept = 32
	kindsKept   = 8192
)

// Change is one change of what a kind of caller gets of a service.
type Change struct {
	At      time.Time      `json:"at"`
	Service string         `json:"service"`
	Rule    string         `json:"rule"`
	Kind    string         `json:"kind"` // SET and location routed as
	Why     string         `json:"why"`
	Change  string         `json:"change"` // first, widened, narrowed, emptied, refilled or changed
	Before  *explain.State `json:"before,omitempty"`
	After   explain.State  `json:"after"`
}

// changeLog keeps the last changes of each kind of caller's view.
type changeLog struct {
	mu    sync.Mutex
	kinds map[changeKey]*changesOf
}

// changeKey is a kind of caller, across reloads of the rules.
type changeKey struct {
	asked    route.Service
	rule     string
	set      location.SET
	location location.Location
}

type changesOf struct {
	last  *explain.State
	rules weak.Pointer[route.Rules]
	list  []Change
}

// note records a view that was just built, unless its content is the last one's.
// Why says what made it stale before; it is empty where no view was there.
func (l *changeLog) note(asked route.Service, kind route.Route, v *view, s *snapshot, why string, now time.Time) {
	key := changeKey{asked, kind.Rule.Name, kind.SET, kind.Location}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kinds == nil {
		l.kinds = map[changeKey]*changesOf{}
	}
	of := l.kinds[key]
	if of == nil {
		if len(l.kinds) >= kindsKept {
			for some := range l.kinds { // any: a bound, not a policy
				delete(l.kinds, some)
				break
			}
		}
		of = &changesOf{}
		l.kinds[key] = of
	}
	before, after := of.last, v.state(kind)
	switch {
	case before == nil:
		why = whyFirst
	case of.rules != weak.Make(s.rules):
		why = whyRouting
	case why == "": // nobody asked for a while
		why = s.any.why
	}
	of.last, of.rules = &after, weak.Make(s.rules)
	if before != nil && before.Revision == after.Revision {
		return
	}
	c := Change{
		At: now, Service: asked.String(), Rule: kind.Rule.Name, Why: why, Change: nameChange(kind, before, after), Before: before, After: after,
		Kind: explain.Identity(location.Identity{SET: kind.SET, Location: kind.Location}),
	}
	if before != nil {
		observe.ViewChanges.WithLabelValues(kind.Rule.Name, c.Change).Inc()
	}
	of.list = append(of.list[max(len(of.list)-changesKept+1, 0):], c)
	if before != nil && (before.Tier != after.Tier || before.Level != after.Level) {
		observe.Log.Info("[SetRouter] "+c.Change, zap.String("service", explain.Plain(c.Service)), zap.String("rule", c.Rule), zap.String("callers", explain.Plain(c.Kind)),
			zap.Stringer("before", c.Before), zap.Stringer("after", c.After), zap.String("why", c.Why))
	}
}

// nameChange names a change in one word.
func nameChange(kind route.Route, before *explain.State, after explain.State) string {
	if before == nil {
		return "first"
	}
	// A tier that the rule does not name is wider than all that it does: where
	// the stage passes all on, or onEmpty: all answers.
	width := func(s explain.State) int {
		tier := 0
		if kind.Rule.SET != nil {
			if tier = slices.Index(kind.Rule.SET.Tiers, route.Tier(s.Tier)); tier < 0 {
				tier = len(kind.Rule.SET.Tiers)
			}
		}
		return tier*8 - int(route.LevelOf(s.Level))
	}
	a, b := before.Instances, after.Instances
	switch d := cmp.Compare(width(after), width(*before)); {
	case a > 0 && b == 0:
		return "emptied"
	case a == 0 && b > 0:
		return "refilled"
	case d > 0:
		return "widened"
	case d < 0:
		return "narrowed"
	}
	return "changed"
}

func (v *view) state(kind route.Route) explain.State {
	return explain.State{
		Answer: explain.AnswerOf(kind.Rule), Rule: kind.Rule.Name, Tier: v.decision.Tier, Level: v.decision.Level,
		Instances: len(v.resp.Instances), Usable: v.usable, Revision: v.revision,
	}
}

// of returns the changes of all kinds, the latest first; of one service, if it
// is not empty.
func (l *changeLog) of(service string) []Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []Change{}
	for key, of := range l.kinds {
		if service == "" || key.asked.String() == service {
			out = append(out, of.list...)
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}
