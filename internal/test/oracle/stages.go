package oracle

import (
	"slices"
	"strings"
	"time"
)

// Place is region, zone and campus; an empty text is unknown.
type Place [3]string

// Instance is an instance of the callee, with its identity.
type Instance struct {
	ID      string
	Host    string
	Port    uint32
	Place   Place
	SET     string
	Healthy bool
	Isolate bool
	Weight  uint32
	// Evacuated is set when an evacuation in force takes the instance out.
	Evacuated bool
	// Told is the SET in the instance's metadata in a routed answer.
	Told string
}

// Usable reports whether the instance is usable (docs/design.md, 2) and not
// evacuated (5.3).
func (i Instance) Usable() bool { return i.Healthy && !i.Isolate && i.Weight > 0 && !i.Evacuated }

// Rule is how a rule or lane address chooses.
type Rule struct {
	Name       string
	SET        *SETStage
	Nearby     *NearbyStage
	Degrade    Degrade
	OnEmptyAll bool
	Shadow     bool
	Rollout    int64 // hundredths of a percent
	ByWeight   bool
}

// SETStage is the `set:` of a rule, without the template of the SET to route as.
type SETStage struct {
	Tiers    []string
	Required bool
}

// NearbyStage is the `nearby:` of a rule. A level is the number of location
// levels that must be equal.
type NearbyStage struct {
	Match, Max int
	Strict     bool
}

// Degrade is the `degrade:` of a rule: when a tier or level is satisfied.
type Degrade struct {
	ByAbsence        bool
	UnhealthyPercent int
	MinUsable        int
	HoldDown         time.Duration
}

// Levels are the words for levels, by the levels' numbers.
var Levels = []string{"all", "region", "zone", "campus"}

// Road is a tier at a level: the number of the tier among the rule's tiers, and
// the number of the level, counted from the first level that the caller has.
type Road struct{ Tier, Level int }

// Choice is what the stages choose.
type Choice struct {
	Chosen      []int  // indexes, ascending
	Tier, Level string // empty where the stage passed all instances on
	Road        Road   // the road of Tier and Level
	// ByTiers is set when the SET stage decided by rule 4 of docs/design.md, 5.2,
	// and OwnBusiness when it decided by rule 3 or 4.
	ByTiers, OwnBusiness bool
}

// Choose runs the stages for a caller that is routed as set, from a place. The
// tier and the level of the held road are chosen before narrower ones, while
// they are satisfied themselves.
func (r Rule) Choose(set string, place Place, all []Instance, held Road) Choice {
	c := Choice{Chosen: indexes(all, func(Instance) bool { return true })}
	onEmpty := c.Chosen
	if r.SET != nil {
		onEmpty = r.chooseTier(&c, set, all, held)
	}
	if r.Nearby != nil {
		if r.SET != nil && c.ByTiers && c.Road.Tier != held.Tier {
			held.Level = 0
		}
		r.chooseLevel(&c, place, all, held)
	}
	if len(c.Chosen) == 0 && r.OnEmptyAll {
		c.Chosen = onEmpty
	}
	c.Chosen = withoutEvacuated(c.Chosen, func(i int) Instance { return all[i] })
	return c
}

// chooseTier runs the SET stage (docs/design.md, 5.2). It returns what
// `onEmpty: all` answers if the stages choose nothing.
func (r Rule) chooseTier(c *Choice, set string, all []Instance, held Road) (onEmpty []int) {
	everything := c.Chosen
	unset := indexes(all, func(i Instance) bool { return i.SET == "" })
	business := indexes(all, func(i Instance) bool { return i.SET != "" && segments(i.SET)[0] == segments(set)[0] })
	switch {
	case len(unset) == len(all): // 1
		return everything
	case set == "": // 2
		if r.SET.Required {
			c.Chosen = nil
		}
		return everything
	case len(business) == 0: // 3
		c.Chosen, c.Tier, c.OwnBusiness = unset, "unset", true
		return unset
	}
	var groups [][]int // 4
	for _, tier := range r.SET.Tiers {
		groups = append(groups, indexes(all, func(i Instance) bool { return inTier(tier, set, i.SET) }))
	}
	c.ByTiers, c.OwnBusiness = true, true
	c.Chosen, c.Road.Tier = r.Degrade.first(all, groups, held.Tier)
	if c.Road.Tier >= 0 {
		c.Tier = r.SET.Tiers[c.Road.Tier]
	}
	c.Road.Tier = max(c.Road.Tier, 0)
	return indexes(all, func(i Instance) bool {
		return slices.ContainsFunc(r.SET.Tiers, func(tier string) bool { return inTier(tier, set, i.SET) })
	})
}

// chooseLevel runs the nearby stage (docs/design.md, 5.2).
func (r Rule) chooseLevel(c *Choice, place Place, all []Instance, held Road) {
	depth := 0 // levels of the place that are known
	for depth < 3 && place[depth] != "" {
		depth++
	}
	if depth == 0 {
		if r.Nearby.Strict {
			c.Chosen = nil
		}
		return
	}
	var names []string
	var groups [][]int
	for level := min(r.Nearby.Match, depth); level >= r.Nearby.Max; level-- {
		var group []int
		for _, i := range c.Chosen {
			if inLevel(level, place, all[i].Place) {
				group = append(group, i)
			}
		}
		names, groups = append(names, Levels[level]), append(groups, group)
	}
	c.Chosen, c.Road.Level = r.Degrade.first(all, groups, held.Level)
	if c.Road.Level >= 0 {
		c.Level = names[c.Road.Level]
	}
	c.Road.Level = max(c.Road.Level, 0)
}

// first returns the first satisfied group and its number. If no group is
// satisfied, it returns the first group with members; if no group has members,
// the number is -1. The held group comes before a narrower one, if both are
// satisfied.
func (d Degrade) first(all []Instance, groups [][]int, held int) (members []int, number int) {
	for n, group := range groups {
		if !d.satisfied(all, group) {
			continue
		}
		if n < held && held < len(groups) && d.satisfied(all, groups[held]) {
			return groups[held], held
		}
		return group, n
	}
	for n, group := range groups {
		if len(group) > 0 {
			return group, n
		}
	}
	return nil, -1
}

func (d Degrade) satisfied(all []Instance, group []int) bool {
	total, usable := len(group), 0
	for _, i := range group {
		if all[i].Usable() {
			usable++
		}
	}
	if d.ByAbsence {
		return total > 0
	}
	return total > 0 && (total-usable)*100 < total*d.UnhealthyPercent && usable >= d.MinUsable
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

// inLevel reports whether the instance has all fields of the level, each equal
// to the caller's.
func inLevel(level int, caller, instance Place) bool {
	for n := range level {
		if instance[n] == "" || instance[n] != caller[n] {
			return false
		}
	}
	return true
}

// withoutEvacuated leaves evacuated instances out of a list that has another
// usable one (docs/design.md, 5.3).
func withoutEvacuated[T any](list []T, instance func(T) Instance) []T {
	if !slices.ContainsFunc(list, func(t T) bool { return instance(t).Usable() }) {
		return list
	}
	var others []T
	for _, t := range list {
		if !instance(t).Evacuated {
			others = append(others, t)
		}
	}
	return others
}

func segments(set string) []string { return append(strings.Split(set, "."), "", "")[:3] }

// indexes returns the indexes of the instances that have a property.
func indexes(all []Instance, has func(Instance) bool) []int {
	var out []int
	for n, i := range all {
		if has(i) {
			out = append(out, n)
		}
	}
	return out
}
