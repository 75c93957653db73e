package route

// State is what a kind of caller has (docs/design.md, 8).
type State string

// The states, from the best to the worst, and two in which the stock answer is sent.
const (
	StateFirst    State = "first"    // the first road
	StateWidened  State = "widened"  // a later road, or onEmpty: all
	StateUnknown  State = "unknown"  // an empty list, as the caller's SET or place is not known
	StateUnusable State = "unusable" // a list without a usable instance
	StateEmpty    State = "empty"    // an empty list
	StateStock    State = "stock"    // every instance: no rule, no stages, outside of the rollout, or nothing known of the SET
	StateShadow   State = "shadow"   // the rule decides, and the stock answer is sent
)

// State returns what callers have after a decision: a list with so many instances, of
// which so many are usable.
func (r Route) State(d Decision, sent, usable int) State {
	switch {
	case r.Rule.Shadow:
		return StateShadow
	case r.HasEverything(d):
		return StateStock
	case sent == 0 && r.IsUnknown(d):
		return StateUnknown
	case sent == 0:
		return StateEmpty
	case usable == 0:
		return StateUnusable
	case d.Furthest() > 0:
		return StateWidened
	}
	return StateFirst
}
