package view

import "github.com/polaris-contrib/setrouter/plugin/router/route"

// inherited is what a kind of caller holds that has no view.
type inherited struct {
	route.Held
	age int64 // ticks without a view, before the age of the kinds that have it
}

// inherit takes over what kinds of callers hold by the views before, so that
// lists do not flip with a reload of the rules either. It is called before k is
// used.
func (k *kinds) inherit(before *kinds, rules *route.Rules) {
	held := before.allHeld()
	next, successors := map[Kind]inherited{}, map[*route.Rule]*route.Rule{}
	for kind, h := range held {
		rule, ok := successors[kind.Rule]
		if !ok {
			rule = rules.Successor(kind.Rule)
			successors[kind.Rule] = rule
		}
		if rule != nil {
			kind.Rule = rule
			next[kind] = h
		}
	}
	k.inherited.Store(&next)
}

// allHeld returns what each kind of caller holds, by its view or inherited.
func (k *kinds) allHeld() map[Kind]inherited {
	held := map[Kind]inherited{}
	if earlier := k.inherited.Load(); earlier != nil {
		for kind, h := range *earlier {
			if h.age += k.age.Load(); h.age <= idleTicks {
				held[kind] = h
			}
		}
	}
	k.cells.Range(func(key, v any) bool {
		if h := v.(*cell).held(); h.Any() {
			held[key.(Kind)] = inherited{Held: h}
		} else {
			delete(held, key.(Kind))
		}
		return true
	})
	return held
}

// heldBefore returns what a kind of caller without a view holds.
func (k *kinds) heldBefore(kind Kind) route.Held {
	if all := k.inherited.Load(); all != nil {
		if h, ok := (*all)[kind]; ok && h.age+k.age.Load() <= idleTicks {
			return h.Held
		}
	}
	return route.Held{}
}
