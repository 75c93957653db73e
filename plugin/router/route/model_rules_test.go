package route

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// The rules of the small model, each with what it reaches, by hand.

// modelSlot is where an instance of the model is, and in which SET.
type modelSlot struct {
	set  location.SET
	zone string
}

var modelPlaces = map[string]location.Location{
	"z1": {Region: "r1", Zone: "z1", Campus: "c1"}, "z2": {Region: "r1", Zone: "z2", Campus: "c2"}, "z3": {Region: "r2", Zone: "z3", Campus: "c3"},
	"r1": {Region: "r1"}, "": {},
}

var (
	// lanes have several SETs in several places.
	lanes = []modelSlot{
		{"a.x.1", "z1"}, {"a.x.1", "z2"}, {"a.x.1", "z3"}, {"a.x.*", "z1"}, {"a.x.*", "z3"}, {"a.x.2", "z2"}, {"b.x.1", "z1"}, {"", "z1"},
	}
	// crowds have several instances of one SET in one place.
	crowds = []modelSlot{
		{"a.x.1", "z1"}, {"a.x.1", "z1"}, {"a.x.1", "z1"}, {"a.x.1", "z2"}, {"a.x.1", "z2"}, {"a.x.1", "z3"}, {"a.x.*", "z1"}, {"b.x.1", "z2"},
	}
)

// A modelRule is a rule of the table, and a caller. Slots are counted from 1.
type modelRule struct {
	name, keys string
	slots      []modelSlot
	set, zone  string // of the caller
	tiers      string // the slots of each tier, where the service has the caller's business
	near       string // the slots on any level; empty: all
	more       modelFlags
}

// modelFlags say how a rule differs from most.
type modelFlags struct {
	everyone  bool   // other businesses are reached
	unknown   bool   // of the caller's SET nothing is known
	isCallee  bool   // without the caller's business there are only tiers that are named
	unset     string // then: the slots of the tier unset, if it is named
	byAbsence bool
	tiersBy   bool
	onEmpty   bool
	nowhere   bool // there is no road
}

var modelRules = []modelRule{
	{"own and pool", "set: {}", lanes, "a.x.1", "z1", "123 45", "", modelFlags{}},
	{"all tiers of a business", "set: {tiers: [own, siblings, business, unset]}", lanes, "a.x.1", "z1", "123 123456 123456 8", "", modelFlags{}},
	{"a caller in the pool", "set: {}", lanes, "a.x.*", "z1", "123456 45", "", modelFlags{}},
	{"own, else all", "set: {tiers: [own, all]}", lanes, "a.x.1", "z1", "123 12345678", "", modelFlags{everyone: true}},
	{"near", "nearby: {matchLevel: campus}", lanes, "a.x.1", "z1", "12345678", "", modelFlags{everyone: true}},
	{"near, to the region", "nearby: {maxMatchLevel: region}", lanes, "a.x.1", "z1", "12345678", "124678", modelFlags{everyone: true}},
	{"near, known to the region", "nearby: {maxMatchLevel: zone}", lanes, "a.x.1", "r1", "12345678", "", modelFlags{everyone: true}},
	{"near, known nowhere", "set: {}, nearby: {maxMatchLevel: zone}", lanes, "a.x.1", "", "123 45", "", modelFlags{}},
	{"strict", "set: {}, nearby: {maxMatchLevel: zone, strict: true}", lanes, "a.x.1", "r1", "123 45", "", modelFlags{nowhere: true}},
	{"tiers, then levels", "set: {}, nearby: {maxMatchLevel: region}", lanes, "a.x.1", "z1", "123 45", "124678", modelFlags{}},
	{"levels, then tiers", "set: {}, nearby: {}, order: [nearby, set]", lanes, "a.x.1", "z1", "123 45", "", modelFlags{}},
	{"levels, then tiers that overlap", "set: {tiers: [own, business]}, nearby: {maxMatchLevel: region}, order: [nearby, set]", lanes, "a.x.1", "z1", "123 123456", "124678", modelFlags{}},
	{"places", "set: {}, nearby: {places: m}", lanes, "a.x.1", "z1", "123 45", "134578", modelFlags{}},
	{"a primary city", "set: {}, nearby: {matchLevel: none, places: p}", lanes, "a.x.1", "z1", "123 45", "", modelFlags{}},
	{"a primary city, and no road from here", "set: {}, nearby: {matchLevel: none, places: n}", lanes, "a.x.1", "z1", "123 45", "", modelFlags{nowhere: true}},
	{"a primary city, of which nothing is known from here", "set: {}, nearby: {matchLevel: none, places: k}, onEmpty: all", lanes, "a.x.1", "r1", "123 45", "", modelFlags{onEmpty: true, nowhere: true}},
	{"places, levels first", "set: {tiers: [own, siblings]}, nearby: {matchLevel: campus, places: m}, order: [nearby, set]", lanes, "a.x.1", "z1", "123 123456", "134578", modelFlags{}},
	{"by absence", "set: {}, nearby: {}, degrade: {by: absent}", lanes, "a.x.1", "z1", "123 45", "", modelFlags{byAbsence: true}},
	{"tiers by absence", "set: {}, nearby: {maxMatchLevel: region}, degrade: {tiersBy: absent}", lanes, "a.x.1", "z1", "123 45", "124678", modelFlags{tiersBy: true}},
	{"everything by absence", "set: {tiers: [own, business]}, degrade: {by: absent, tiersBy: absent}", lanes, "a.x.1", "z1", "123 123456", "", modelFlags{byAbsence: true, tiersBy: true}},
	{"onEmpty", "set: {}, nearby: {maxMatchLevel: zone}, onEmpty: all", lanes, "a.x.1", "z1", "123 45", "1478", modelFlags{onEmpty: true}},
	{"callee", "set: {callee: a.x.1}", lanes, "b.x.1", "z1", "123", "", modelFlags{isCallee: true}},
	{"callee and unset", "set: {callee: a.x.1, tiers: [own, unset]}, onEmpty: all", lanes, "", "z1", "123 8", "", modelFlags{isCallee: true, unset: "8", onEmpty: true}},
	{"unknown: all", "set: {}, nearby: {}", lanes, "", "z1", "12345678", "", modelFlags{unknown: true, everyone: true}},
	{"unknown: unset", "set: {unknown: unset}, onEmpty: all", lanes, "", "z1", "8", "", modelFlags{unknown: true, onEmpty: true}},
	{"unknown: none", "set: {unknown: none}, onEmpty: all", lanes, "", "z1", "", "", modelFlags{unknown: true, onEmpty: true}},
	{"two segments bind", "set: {caller: 'a.x.{caller.label.none}'}", lanes, "b.x.1", "z1", "123456 45", "", modelFlags{}},
	{"one segment binds", "set: {caller: 'a.{caller.label.none}.1'}, nearby: {}", lanes, "b.x.1", "z1", "123456", "", modelFlags{}},
	{"half", "set: {}, nearby: {}, degrade: {unhealthyPercent: 50}", crowds, "a.x.1", "z1", "123456 7", "", modelFlags{}},
	{"two of them", "set: {}, nearby: {}, degrade: {minUsable: 2}", crowds, "a.x.1", "z1", "123456 7", "", modelFlags{}},
	{"a share", "set: {}, nearby: {}, degrade: {minUsable: 50%}", crowds, "a.x.1", "z1", "123456 7", "", modelFlags{}},
	{"a share, levels first", "set: {tiers: [own, siblings]}, nearby: {}, order: [nearby, set], degrade: {minUsable: 34%, unhealthyPercent: 67}", crowds, "a.x.1", "z1", "123456 1234567", "", modelFlags{}},
	{"a share, tiers by absence", "set: {}, nearby: {maxMatchLevel: region}, degrade: {minUsable: 60%, tiersBy: absent}", crowds, "a.x.1", "z1", "123456 7", "1234578", modelFlags{tiersBy: true}},
}

// modelCase is a rule of the table, read by the server and by the oracle.
type modelCase struct {
	modelRule
	route Route
	said  slow.Case
}

const modelMaps = "version: 1\nplaces: {m: {r1/z1: [r2]}, p: {'*': [r2/z3, [r1/z1, r1/z2]]}, n: {r1: [], '*': [all]}, k: {'*': [campus]}}\n"

// readModelRule reads a rule as the server does, and as the oracle does, for a caller.
func readModelRule(t *testing.T, keys, set, zone string) (Route, slow.Case) {
	t.Helper()
	text := modelMaps + "rules: [{name: r, service: default/s, " + keys + "}]"
	caller := location.Identity{SET: location.SET(set), Location: modelPlaces[zone]}
	said := slow.Identity{Place: placeOf(caller.Location)}
	if set != "" {
		said.SETs = []string{set}
	}
	addr := netip.MustParseAddr("10.0.0.1")
	name := Resolved{Name: Name{Service: Service{"default", "s"}}}
	route, why := mustLoad(t, text).Route(Request{Addr: addr, Caller: caller, Resolved: name}, nil)
	if why != WhyRouted {
		t.Fatalf("%s: %s", keys, why)
	}
	return route, worldOf(t, text, nil).AskAs(addr, said, slow.Service{Namespace: "default", Name: "s"}, nil)
}

// slotSet is a set of slots.
type slotSet uint8

func (s slotSet) has(slot int) bool { return s>>slot&1 == 1 }

// slotsOf reads numbers of slots.
func slotsOf(digits string) (out slotSet) {
	for _, d := range digits {
		n, _ := strconv.Atoi(string(d))
		out |= 1 << (n - 1)
	}
	return out
}

// tierSlots returns the slots of each tier, wherever they are, in a world with some
// instances (docs/design.md, 5.2, rules 1 to 4).
func (r modelRule) tierSlots(registered slotSet) (out []slotSet) {
	withSET, ofBusiness := slotSet(0), slotSet(0)
	for n, slot := range r.slots {
		if slot.set != "" {
			withSET |= 1 << n
		}
		if strings.HasPrefix(string(slot.set), "a.") {
			ofBusiness |= 1 << n
		}
	}
	switch {
	case registered&withSET == 0 || !strings.Contains(r.keys, "set: {"):
		return []slotSet{slotsOf("12345678")}
	case !r.more.unknown && registered&ofBusiness == 0 && r.more.isCallee:
		return []slotSet{slotsOf(r.more.unset)}
	case !r.more.unknown && registered&ofBusiness == 0:
		return []slotSet{slotsOf("12345678") &^ withSET}
	}
	for _, tier := range strings.Fields(r.tiers) {
		out = append(out, slotsOf(tier))
	}
	return out
}

// reach returns the slots that are on a road. With `tiersBy: absent` they are on one of
// the first tier that has an instance.
func (r modelRule) reach(w *modelWorld) slotSet {
	present := w.registered &^ w.evacuated
	if reach := r.reachOf(w, present); reach&present&w.usable != 0 {
		return reach
	}
	return r.reachOf(w, w.registered) // an evacuation never takes the last
}

func (r modelRule) reachOf(w *modelWorld, present slotSet) (out slotSet) {
	near := slotsOf("12345678")
	if r.near != "" {
		near = slotsOf(r.near)
	}
	for _, tier := range r.tierSlots(w.registered) {
		if r.more.nowhere || r.more.tiersBy && out&present != 0 {
			break
		}
		out |= tier & near
	}
	return out
}
