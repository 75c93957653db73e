package view

import "github.com/polaris-contrib/setrouter/plugin/router/route"

// inheritance is the memory of a kind of caller that has no view at present.
type inheritance struct {
	memory route.Memory
	// earlierTicks are the ticks without a view under earlier rules. The ticks under
	// the present rules are the age of the kinds.
	earlierTicks int64
}

// inherit takes over the memories of the views before, so that lists do not flip
// with a reload of the rules either. It is called before k is used.
func (k *kinds) inherit(before *kinds, rules *route.Rules) {
	next, successors := map[Kind]inheritance{}, map[*route.Rule]*route.Rule{}
	for kind, heritage := range before.memories() {
		rule, ok := successors[kind.Rule]
		if !ok {
			rule = rules.Successor(kind.Rule)
			successors[kind.Rule] = rule
		}
		if rule != nil {
			kind.Rule = rule
			next[kind] = heritage
		}
	}
	k.inherited.Store(&next)
}

// memories returns the memory of each kind of caller that is not on its first road:
// from the kind's view, or inherited.
func (k *kinds) memories() map[Kind]inheritance {
	memories := map[Kind]inheritance{}
	if earlier := k.inherited.Load(); earlier != nil {
		for kind, heritage := range *earlier {
			if heritage.earlierTicks += k.age.Load(); heritage.earlierTicks <= idleTicks {
				memories[kind] = heritage
			}
		}
	}
	k.cells.Range(func(key, v any) bool {
		if m := v.(*cell).memory(); m.IsFirst() {
			delete(memories, key.(Kind))
		} else {
			memories[key.(Kind)] = inheritance{memory: m}
		}
		return true
	})
	return memories
}

// inheritedMemory returns the memory of a kind of caller without a view.
func (k *kinds) inheritedMemory(kind Kind) route.Memory {
	if all := k.inherited.Load(); all != nil {
		if heritage, ok := (*all)[kind]; ok && heritage.earlierTicks+k.age.Load() <= idleTicks {
			return heritage.memory
		}
	}
	return route.Memory{}
}
