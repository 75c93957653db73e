package world

import (
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// lossPart is what the loss of a place changes for related names.
type lossPart struct {
	place     string
	instances int
	services  int
	pairs     []lossPair
	roads     []RoadLoad
}

// lossPair is what a loss changes for kinds of callers of a name. A decision cannot tell
// these kinds apart, and the change is the same for all.
type lossPair struct {
	change        Change
	service       route.Service
	kinds         []int
	seen          []int // callers of each of the kinds
	before, after *Answer
	isElsewhere   bool // the service has a usable instance that is not lost
}

// lose returns what each loss changes for the names of a book.
func (d *driller) lose(b *book) (out []*lossPart) {
	parts := map[string]*lossPart{}
	l := &loser{driller: d, book: b, places: make([]string, len(b.ledger.callees))}
	for n, c := range b.ledger.callees {
		place, ok := d.placeOf(c)
		if !ok || !c.Usable() && !d.Gone {
			continue
		}
		l.places[n] = place
		if parts[place] == nil {
			parts[place] = &lossPart{place: place}
			out = append(out, parts[place])
		}
		if c.Usable() {
			parts[place].instances++
		}
	}
	l.findGroups()
	for _, part := range out {
		l.lose(part)
	}
	return out
}

// loser loses the places of a book, one at a time.
type loser struct {
	*driller
	*book
	places []string // of each instance whose loss matters, by its number
	// groups are those of each name that may get other instances if a place is lost,
	// ascending. The empty place stands for all places.
	groups []map[string][]int
}

// findGroups fills in groups.
func (l *loser) findGroups() {
	for n := range l.now {
		now, groups := &l.now[n], map[string][]int{}
		l.groups = append(l.groups, groups)
		if l.Gone {
			continue // all groups decide anew
		}
		hasEvacuated := slices.ContainsFunc(now.Callees, func(c explain.Callee) bool { return c.Evacuated })
		for g := range now.Groups {
			group := &now.Groups[g]
			if group.Decides() && (hasEvacuated || group.dependsOnOthers()) {
				groups[""] = append(groups[""], g)
				continue
			}
			for _, m := range now.sentTo(group) {
				if place := l.places[m.number]; place != "" && !endsWith(groups[place], g) {
					groups[place] = append(groups[place], g)
				}
			}
		}
	}
}

func endsWith(list []int, n int) bool { return len(list) > 0 && list[len(list)-1] == n }

// dependsOnOthers reports whether the list can change if instances that are not in the list
// become unhealthy. Without a share as `minUsable`, without `overprovision` and without
// evacuated instances, the roads before the one that is taken stay not satisfied.
func (a *Answer) dependsOnOthers() bool {
	return a.Route.Rule.Degrade.Overprovision > 0 || a.Route.Rule.Degrade.MinUsableIsShare || a.Route.Rule.Blends()
}

// lose fills in what the loss of a place changes.
func (l *loser) lose(part *lossPart) {
	for _, numbers := range l.ledger.numbers {
		if slices.ContainsFunc(numbers, func(i int) bool { return l.places[i] == part.place }) {
			part.services++
		}
	}
	after := make([]numbered, len(l.now))
	for n := range l.now {
		after[n] = l.without(n, part.place)
		if after[n].Answers != l.now[n].Answers && l.isWanted(l.now[n].Name.Service) {
			part.pairs = append(part.pairs, l.changes(n, &after[n])...)
		}
	}
	for _, road := range l.roads(after) {
		before := l.before(&road)
		road.Before = &before
		if l.isWorse(&road) {
			part.roads = append(part.roads, road)
		}
	}
	l.say(part.roads)
}

// isWorse reports whether a drill tells of a road: it carries more than now, and more than
// when everything works.
func (l *loser) isWorse(r *RoadLoad) bool {
	const same = 1.0001
	return r.Times > LoadListed && r.Times > *r.Before*same && l.isWanted(r.service) && (l.Rules == nil || l.Rules(r.rule))
}

// without returns what the callers of a name get without the instances of a place.
func (l *loser) without(name int, place string) numbered {
	now := l.now[name]
	isLost := func(c *explain.Callee) bool {
		at, ok := l.placeOf(c)
		return ok && at == place
	}
	hasLost := func(list []explain.Callee) bool {
		return slices.ContainsFunc(list, func(c explain.Callee) bool { return isLost(&c) })
	}
	if !hasLost(now.Callees) && !hasLost(now.OwnService) {
		return now
	}
	if l.Gone {
		return now.withoutCallees(isLost)
	}
	first, rest := l.groups[name][place], l.groups[name][""]
	if len(first)+len(rest) == 0 {
		return now
	}
	now.Answers = now.edited(func(c *explain.Callee) { c.Healthy = c.Healthy && !isLost(c) }, func(group int) bool {
		_, ok := slices.BinarySearch(first, group)
		_, always := slices.BinarySearch(rest, group)
		return !ok && !always
	})
	return now
}

// withoutCallees returns the answers as if some instances were not registered.
func (n numbered) withoutCallees(isLost func(*explain.Callee) bool) numbered {
	kept := func(list []explain.Callee, numbers []int) (callees []explain.Callee, left []int) {
		if list == nil {
			return nil, nil
		}
		callees = []explain.Callee{}
		for i := range list {
			if !isLost(&list[i]) {
				callees, left = append(callees, list[i]), append(left, numbers[i])
			}
		}
		return callees, left
	}
	callees, numbers := kept(n.Callees, n.callees)
	ownService, own := kept(n.OwnService, n.own)
	return numbered{n.Answers.with(callees, ownService, nil), numbers, own}
}

// changes returns what a loss changes for the callers of a name.
func (l *loser) changes(name int, after *numbered) (out []lossPair) {
	now := &l.now[name]
	for g := range now.Groups {
		before, then := &now.Groups[g], &after.Groups[g]
		if before.isOf(then) || l.Rules != nil && (before.isStock || !l.Rules(before.Route.Rule)) {
			continue
		}
		isElsewhere := slices.ContainsFunc(after.Callees, func(c explain.Callee) bool { return c.Usable() })
		diff := newDifference(now.sentTo(before), after.sentTo(then), before, then)
		byChange := map[Change]int{}
		for _, kind := range before.Kinds {
			change := diff.change(l.book.survey.callers[kind].facts.Location)
			if change == ChangeNone {
				continue
			}
			i, ok := byChange[change]
			if !ok {
				i = len(out)
				byChange[change] = i
				out = append(out, lossPair{change: change, service: now.Name.Service, before: before, after: then, isElsewhere: isElsewhere})
			}
			seen := 0
			if l.counts[name] != nil {
				seen = l.counts[name][kind]
			}
			out[i].kinds, out[i].seen = append(out[i].kinds, kind), append(out[i].seen, seen)
		}
	}
	return out
}

// isOf reports whether an answer is the other one, and was not decided anew.
func (a *Answer) isOf(other *Answer) bool {
	return len(a.members) > 0 && len(other.members) == len(a.members) && &a.members[0] == &other.members[0]
}

// difference is what two lists have in common and what not.
type difference struct {
	before, after *Answer
	isSame        bool
	were, are     []location.Location // the zones of the usable instances
}

// newDifference compares the lists of two answers.
func newDifference(before, after []member, a, b *Answer) difference {
	return difference{
		before: a, after: b, were: zonesOf(before), are: zonesOf(after),
		isSame: slices.EqualFunc(before, after, func(x, y member) bool { return x.number == y.number && x.weight == y.weight }),
	}
}

// zonesOf returns the zones of the usable instances of a list.
func zonesOf(list []member) (out []location.Location) {
	for _, m := range list {
		if zone := m.Location.Cut(int(route.LevelZone)); m.Usable() && !slices.Contains(out, zone) {
			out = append(out, zone)
		}
	}
	return out
}

// change names the difference for callers at a place.
func (d difference) change(caller location.Location) Change {
	leave := func(zones []location.Location, depth int) bool {
		return slices.ContainsFunc(zones, func(zone location.Location) bool { return zone.Cut(depth) != caller.Cut(depth) })
	}
	leaves := func(depth int) bool {
		return d.before.Usable > 0 && caller.Depth() >= depth && !leave(d.were, depth) && leave(d.are, depth)
	}
	switch {
	case d.before.Sent > 0 && d.after.Sent == 0:
		return ChangeEmpty
	case d.before.Usable > 0 && d.after.Usable == 0:
		return ChangeUnusable
	case d.isSame:
		return ChangeNone
	case leaves(1):
		return ChangeCrossRegion
	case leaves(2):
		return ChangeCrossZone
	}
	return ChangeList
}
