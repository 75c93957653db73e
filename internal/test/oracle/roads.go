package oracle

import (
	"slices"
	"strings"
)

// group is a tier or a level: a name, and what is in it.
type group struct {
	name string
	has  func(Instance) bool
}

// road is one tier at one level.
type road struct {
	number      int // from 1, in the order of the rule
	tier, level group
	members     []int // indexes, ascending
}

// tiers returns the tiers for a caller that is routed as a SET, and which rule of
// docs/design.md, 5.2 gives them. The SET is empty, a business alone, or whole.
func (r Rule) tiers(set string, all []Instance) (SETRule, []group) {
	business := segments(set)[0]
	hasSET := func(i Instance) bool { return i.SET != "" }
	isOfBusiness := func(i Instance) bool { return i.SET != "" && segments(i.SET)[0] == business }
	everything := []group{{"", isRegistered}}
	switch {
	case r.SET == nil:
		return 0, everything
	case !slices.ContainsFunc(all, hasSET):
		return 1, everything
	case set == "" && r.SET.Unknown == "all":
		return 2, everything
	case set == "" && r.SET.Unknown == "unset":
		return 2, named(set, "unset")
	case set == "":
		return 2, nil
	case !slices.ContainsFunc(all, isOfBusiness) && r.SET.Callee && !slices.Contains(r.SET.Tiers, "unset"):
		return 3, nil
	case !slices.ContainsFunc(all, isOfBusiness):
		return 3, named(set, "unset")
	case set == business:
		return 4, named(set, "business")
	}
	return 4, named(set, r.SET.Tiers...)
}

// named returns tiers by their names, for a caller that is routed as a SET.
func named(caller string, names ...string) (out []group) {
	for _, name := range names {
		out = append(out, group{name, func(i Instance) bool { return inTier(name, caller, i.SET) }})
	}
	return out
}

func inTier(tier, caller, set string) bool {
	a, b := segments(caller), segments(set)
	switch {
	case tier == "all":
		return true
	case tier == "unset" || set == "":
		return tier == "unset" && set == ""
	case tier == "own":
		return set == caller || a[2] == "*" && a[0] == b[0] && a[1] == b[1]
	case tier == "pool":
		return a[0] == b[0] && a[1] == b[1] && b[2] == "*"
	case tier == "siblings":
		return a[0] == b[0] && a[1] == b[1]
	}
	return a[0] == b[0] // business
}

// segments returns the three segments of a SET name. What is not known is empty.
func segments(set string) []string { return append(strings.Split(set, "."), "", "")[:3] }

// levels returns the levels for a caller at a place, in order (docs/design.md, 5.2).
func (r Rule) levels(place Place) (out []group) {
	n, depth := r.Nearby, place.depth()
	switch {
	case n == nil:
		return []group{{"", isRegistered}}
	case n.Strict && n.Match > 0 && (depth == 0 || depth < n.Max):
		return nil
	}
	if n.Match == 0 || n.Match > 0 && depth > 0 {
		out = append(out, atLevel(min(n.Match, depth), place))
	}
	switch {
	case n.Places != nil:
		out = append(out, n.Places.lookup(place)...)
	case depth > 0:
		widest := n.Max
		if depth < n.Max {
			widest = 0
		}
		for level := min(n.Match, depth) - 1; level >= widest; level-- {
			out = append(out, atLevel(level, place))
		}
	}
	if len(out) == 0 && depth == 0 { // nobody said that such a caller gets nothing
		return []group{{"", isRegistered}}
	}
	return out
}

func atLevel(level int, place Place) group {
	return group{Levels[level], func(i Instance) bool { return inLevel(level, place, i.Place) }}
}

// inLevel reports whether an instance has all fields of the level, each equal to the
// caller's.
func inLevel(level int, caller, instance Place) bool {
	for n := range level {
		if instance[n] == "" || instance[n] != caller[n] {
			return false
		}
	}
	return true
}

// lookup returns what the narrowest entry lists that fits the place and of which
// something is known.
func (m PlaceMap) lookup(place Place) (out []group) {
	for depth := place.depth(); depth >= 0 && len(out) == 0; depth-- {
		key := strings.Join(place[:depth], "/")
		if depth == 0 {
			key = "*"
		}
		entry, ok := m[key]
		for _, texts := range entry {
			if g, known := mapped(texts, place); known {
				out = append(out, g)
			}
		}
		if ok && len(entry) == 0 {
			break
		}
	}
	return out
}

// mapped returns the level that a map lists: words and places together. It reports
// false where they are all words for levels that are not known of the caller.
func mapped(texts list, caller Place) (g group, known bool) {
	var all []group
	for _, text := range texts {
		level := slices.Index(Levels, text)
		switch {
		case level < 0:
			names := strings.Split(text, "/")
			all = append(all, atLevel(len(names), Place(append(names, "", "")[:3])))
		case level <= caller.depth():
			all = append(all, atLevel(level, caller))
		}
	}
	return group{strings.Join(texts, "+"), func(i Instance) bool {
		return slices.ContainsFunc(all, func(g group) bool { return g.has(i) })
	}}, len(all) > 0
}

// roads returns each tier at each level, in the order of the rule, with those
// instances that count.
func (r Rule) roads(tiers, levels []group, all []Instance, counts func(Instance) bool) (out []road) {
	add := func(tier, level group) {
		members := indexes(all, func(i Instance) bool { return counts(i) && tier.has(i) && level.has(i) })
		out = append(out, road{len(out) + 1, tier, level, members})
	}
	if r.NearbyFirst {
		for _, level := range levels {
			for _, tier := range tiers {
				add(tier, level)
			}
		}
		return out
	}
	for _, tier := range tiers {
		for _, level := range levels {
			add(tier, level)
		}
	}
	return out
}
