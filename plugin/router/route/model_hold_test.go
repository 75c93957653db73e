package route

import (
	"strings"
	"testing"
	"time"

	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// The small model of the hold-down: every sequence of three worlds of four instances.

// held are the slots of the model of the hold-down.
var heldSlots = []modelSlot{{"a.x.1", "z1"}, {"a.x.1", "z2"}, {"a.x.*", "z1"}, {"a.x.*", "z3"}}

// A heldRule is a rule for a caller of a.x.1 in z1. Its roads have by hand the slots
// without a usable one of which the road cannot be held. A road without slots is never
// satisfied. Without roads, only the oracle judges.
type heldRule struct {
	keys  string
	roads []string // "tier level: slots", in order
}

var heldRules = []heldRule{
	{"set: {}, nearby: {}", []string{"own zone: 1", "own region: 2", "own all: ", "pool zone: 3", "pool region: ", "pool all: 4"}},
	{"set: {}, nearby: {}, order: [nearby, set], degrade: {tiersBy: absent}", []string{"own zone: 1", "pool zone: 3", "own region: 2", "pool region: ", "own all: ", "pool all: 4"}},
	{"set: {}, nearby: {maxMatchLevel: region}, degrade: {by: absent}", []string{"own zone: 1", "own region: 12", "pool zone: 3", "pool region: 3"}},
	{"set: {tiers: [own, siblings]}, nearby: {places: m}, degrade: {minUsable: 50%}", nil},
}

// road returns the number of a road by its tier and level, and -1 if there is none.
func (r heldRule) road(c Choice) int {
	for n, road := range r.roads {
		if name, _, _ := strings.Cut(road, ": "); name == c.Tier+" "+c.Level {
			return n
		}
	}
	return -1
}

// holds reports whether a caller can be held on a road in a world.
func (r heldRule) holds(road int, w *modelWorld) bool {
	_, slots, _ := strings.Cut(r.roads[road], ": ")
	return slotsOf(slots)&w.usable != 0
}

func TestModelOfHoldDown(t *testing.T) {
	for _, rule := range heldRules {
		route, said := readModelRule(t, rule.keys, "a.x.1", "z1")
		m := &heldModel{T: t, heldRule: rule, route: route, said: said, known: map[heldChoice]slow.Choice{}}
		for number := range 81 {
			m.worlds = append(m.worlds, worldNumber(number, heldSlots, 0))
		}
		m.run()
	}
}

// heldModel runs the sequences of a rule. It asks the oracle once for each world and
// held road.
type heldModel struct {
	*testing.T
	heldRule
	route  Route
	said   slow.Case
	worlds []*modelWorld
	known  map[heldChoice]slow.Choice
}

type heldChoice struct {
	world int
	held  slow.Road
}

// heldState is what a sequence of worlds has led to.
type heldState struct {
	now          time.Time
	choice       Choice
	memory       Memory
	oracleMemory slow.Held
}

// run goes through three worlds, the second 6 s after the first, the third 3 s later:
// within the hold-down of 10 s. While the caller is held, the third comes 10 s later as
// well: then the hold-down is over.
func (m *heldModel) run() {
	begin := time.Unix(1000, 0)
	for first := range m.worlds {
		one := m.step(heldState{now: begin}, first, 0)
		for second := range m.worlds {
			two := m.step(one, second, 6*time.Second)
			for third := range m.worlds {
				m.step(two, third, 3*time.Second)
				if !two.choice.HeldUntil.IsZero() {
					if three := m.step(two, third, 10*time.Second); !three.choice.HeldUntil.IsZero() {
						m.Fatalf("%s: held after the hold-down, in %s", m.keys, m.worlds[third])
					}
				}
			}
		}
	}
}

// step settles in a world, checks the decision, and compares it with the oracle's.
func (m *heldModel) step(before heldState, world int, wait time.Duration) heldState {
	w, after := m.worlds[world], heldState{now: before.now.Add(wait)}
	var d Decision
	d, _, after.memory = m.route.Settle(w.callee, nil, before.memory, after.now)
	after.choice = d.Choices[0]
	if wait < m.route.Rule.Degrade.HoldDown {
		m.check(before.choice, after.choice, w)
	}
	memory := slow.Memory{"a.x.1": before.oracleMemory}
	want := memory.Hold("a.x.1", m.route.Rule.Degrade.HoldDown, after.now, func(held slow.Road) slow.Choice { return m.choose(world, held) })
	after.oracleMemory = memory["a.x.1"]
	if got := after.choice; got.Tier != want.Tier || got.Level != want.Level || w.slots(got.Chosen) != w.slots(want.Chosen) {
		m.Fatalf("%s: after %s %s\nin %s: %s\nthe oracle says %+v", m.keys, before.choice.Tier, before.choice.Level, w, textOf(d), want)
	}
	return after
}

// choose asks the oracle.
func (m *heldModel) choose(world int, held slow.Road) slow.Choice {
	key := heldChoice{world, held}
	c, ok := m.known[key]
	if !ok {
		c = m.said.Rule.Choose("a.x.1", m.said.Place, m.worlds[world].said, held)
		m.known[key] = c
	}
	return c
}

// check checks a step within the hold-down: back to an earlier road only where the
// caller cannot be held.
func (m *heldModel) check(before, after Choice, w *modelWorld) {
	if m.roads == nil {
		return
	}
	from, to := m.road(before), m.road(after)
	if 0 <= to && to < from && m.holds(from, w) {
		m.Fatalf("%s: back from %s to %s within the hold-down, in %s", m.keys, m.roads[from], m.roads[to], w)
	}
}
