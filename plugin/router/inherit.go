package router

import "github.com/polaris-contrib/setrouter/plugin/router/route"

// inherited is held by a kind of caller that has no view.
type inherited struct {
	route.Held
	age int64 // ticks without a view, before the age of the views that have it
}

// inherit takes over what kinds of callers hold by other views, so that lists do
// not flip with a reload of the rules either. It is called before x is used.
func (x *views) inherit(before *views, rules *route.Rules) {
	held := map[viewKey]inherited{}
	if earlier := before.inherited.Load(); earlier != nil {
		for key, h := range *earlier {
			if h.age += before.age.Load(); h.age <= idleTicks {
				held[key] = h
			}
		}
	}
	before.cells.Range(func(key, v any) bool {
		if h := v.(*viewCell).held(); h.Any() {
			held[key.(viewKey)] = inherited{Held: h}
		} else {
			delete(held, key.(viewKey))
		}
		return true
	})
	now, successors := map[viewKey]inherited{}, map[*route.Rule]*route.Rule{}
	for key, h := range held {
		rule, known := successors[key.kind.Rule]
		if !known {
			rule = rules.Successor(key.kind.Rule)
			successors[key.kind.Rule] = rule
		}
		if rule != nil {
			key.kind.Rule = rule
			now[key] = h
		}
	}
	x.inherited.Store(&now)
}

// heldBefore is what a kind of caller without a view holds.
func (x *views) heldBefore(key viewKey) route.Held {
	if all := x.inherited.Load(); all != nil {
		if h, there := (*all)[key]; there && h.age+x.age.Load() <= idleTicks {
			return h.Held
		}
	}
	return route.Held{}
}
