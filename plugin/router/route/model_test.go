package route

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// The small model: every world of eight instances, each up, down or gone, under each
// rule of a table. What must hold of every answer is checked on the answer itself, by
// tables that are made by hand; and the answer is the oracle's.

var largeModel = flag.Bool("large-model", false, "evacuate every set of slots in the small model, not a few")

// evacuatedSlots are the sets of slots that are evacuated: nothing, a zone, a region, a
// SET. With the large model they are all sets.
func evacuatedSlots(slots []modelSlot) (out []slotSet) {
	if *largeModel {
		for set := range 256 {
			out = append(out, slotSet(set))
		}
		return out
	}
	out = make([]slotSet, 4)
	for n, slot := range slots {
		for e, evacuated := range []bool{1: slot.zone == "z1", 2: slot.zone != "z3", 3: slot.set == "a.x.1"} {
			if evacuated {
				out[e] |= 1 << n
			}
		}
	}
	return out
}

// modelWorld is a world of the model: which slots are registered, which are usable, and
// which are evacuated.
type modelWorld struct {
	registered, usable, evacuated slotSet

	callee *Callee
	said   []slow.Instance
	slotOf []int // the slot of each instance
}

// worldNumber returns one of the 3^8 worlds.
func worldNumber(number int, slots []modelSlot, evacuated slotSet) *modelWorld {
	w := &modelWorld{evacuated: evacuated}
	var instances []Instance
	for n, slot := range slots {
		state := number % 3 // up, down or gone
		number /= 3
		if state == 2 {
			continue
		}
		w.registered |= 1 << n
		if state == 0 {
			w.usable |= 1 << n
		}
		instances = append(instances, Instance{SET: slot.set, Location: modelPlaces[slot.zone], Healthy: state == 0, Weight: 100, Evacuated: evacuated.has(n)})
		w.slotOf = append(w.slotOf, n)
	}
	w.callee, w.said = NewCallee(instances), instancesOf(instances)
	return w
}

// slots returns the slots of chosen instances.
func (w *modelWorld) slots(chosen []int) (out slotSet) {
	for _, i := range chosen {
		out |= 1 << w.slotOf[i]
	}
	return out
}

func (w *modelWorld) String() string {
	var out []string
	for n := range 8 {
		state := "gone"
		switch {
		case w.usable.has(n):
			state = "up"
		case w.registered.has(n):
			state = "down"
		}
		if w.evacuated.has(n) {
			state += " evacuated"
		}
		out = append(out, fmt.Sprint(n+1, " ", state))
	}
	return strings.Join(out, ", ")
}

func TestModel(t *testing.T) {
	for _, slots := range [][]modelSlot{lanes, crowds} {
		var list []modelCase
		for _, rule := range modelRules {
			if &rule.slots[0] == &slots[0] {
				route, said := readModelRule(t, rule.keys, rule.set, rule.zone)
				list = append(list, modelCase{rule, route, said})
			}
		}
		faults := 0
		for number := range 6561 {
			without := make([]slotSet, len(list)) // the answers without an evacuation
			for e, evacuated := range evacuatedSlots(slots) {
				w := worldNumber(number, slots, evacuated)
				if e > 0 && w.registered&evacuated == 0 {
					continue
				}
				for n, c := range list {
					d := c.route.Select(w.callee)
					fault := c.fault(w, d, without[n])
					if e == 0 {
						without[n] = w.slots(d.Chosen)
					}
					if fault != "" {
						t.Errorf("%s (%s): %s\n%s\n%s", c.name, c.keys, fault, w, textOf(d))
						faults++
					}
				}
			}
			if faults > 20 {
				t.Fatal("and so on")
			}
		}
	}
}

// fault returns what is wrong with a decision; it is empty if nothing is. Without are
// the slots that the caller has where nothing is evacuated.
func (c modelCase) fault(w *modelWorld, d Decision, without slotSet) string {
	chosen, reach := w.slots(d.Chosen), c.reach(w)
	open := reach
	if c.more.onEmpty {
		for _, tier := range c.tierSlots(w.registered) {
			open |= tier
		}
	}
	other := slotSet(0)
	for n, slot := range c.slots {
		if strings.HasPrefix(string(slot.set), "b.") {
			other |= 1 << n
		}
	}
	switch {
	case chosen&other != 0 && !c.more.everyone:
		return "an instance of another business"
	case chosen&^w.registered != 0 || chosen&^open != 0:
		return "an instance that no road has"
	case chosen&w.usable == 0 && without&w.usable != 0:
		return "an evacuation takes the last usable instance"
	case chosen == 0 && open&w.usable != 0:
		return "empty, though a usable instance is there"
	case chosen&w.usable == 0 && reach&w.usable != 0 && !c.more.byAbsence:
		return "no usable instance, though a road has one"
	}
	want := c.said.Rule.Choose(c.said.SETs[0], c.said.Place, w.said, slow.Road{})
	got := d.Choices[0]
	if !slices.Equal(got.Chosen, want.Chosen) || got.Tier != want.Tier || got.Level != want.Level || int(got.SETRule) != int(want.SETRule) || got.Widened != want.OnEmpty {
		return fmt.Sprintf("the oracle says %+v", want)
	}
	return ""
}

// A caller with several SETs gets what it gets as each of them: all pairs, in all worlds.
func TestModelOfSeveralSETs(t *testing.T) {
	sets := []string{"a.x.1", "a.x.2", "a.x.*", "b.x.1", "a", "b", "c.x.1"}
	for _, keys := range []string{"set: {}", "set: {tiers: [own, siblings, unset]}, nearby: {maxMatchLevel: region}, onEmpty: all"} {
		route, said := readModelRule(t, keys, "a.x.1", "z1")
		with := func(sets string) Route { return Route{Rule: route.Rule, SETs: SETs(sets), Location: route.Location} }
		for number := range 6561 {
			for _, evacuated := range evacuatedSlots(lanes)[:2] {
				w := worldNumber(number, lanes, evacuated)
				var each []Choice
				for _, set := range sets {
					d := with(set).Select(w.callee)
					if want, _ := said.Rule.Decide([]string{set}, said.Place, w.said, nil, time.Time{}); !slices.Equal(d.Chosen, want) {
						t.Fatalf("%s as %s: %v, the oracle says %v\n%s", keys, set, d.Chosen, want, w)
					}
					each = append(each, d.Choices[0])
				}
				for n := range sets {
					for m := range n {
						pair := []string{sets[m], sets[n]}
						slices.Sort(pair)
						d := with(strings.Join(pair, " ")).Select(w.callee)
						if w.slots(d.Chosen) != w.slots(each[m].Chosen)|w.slots(each[n].Chosen) || d.Tier() != "" || d.Level() != "" {
							t.Fatalf("%s as %s: %s\n%v and %v by itself\n%s", keys, pair, textOf(d), each[m].Chosen, each[n].Chosen, w)
						}
					}
				}
			}
		}
	}
}
