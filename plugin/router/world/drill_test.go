package world_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// placeOf returns the place or SET of an instance that a drill loses.
func placeOf(each string, loc location.Location, set location.SET) string {
	depth := slices.Index(world.DrillKinds, each) + 1
	switch {
	case each == "set":
		return string(set)
	case loc.Depth() < depth:
		return ""
	}
	return loc.Cut(depth).String()
}

// slowLoss is what the oracle says of a loss.
type slowLoss struct {
	instances int
	counts    map[world.Change]world.LossCount
	nothing   world.LossCount
	load      float64
}

// without returns the state without the instances of a place.
func without(w *world.World, each, place string, gone bool) *world.World {
	if !gone {
		return w.WithCallees(func(c *explain.Callee) {
			c.Healthy = c.Healthy && placeOf(each, c.Location, c.SET) != place
		})
	}
	lost := map[string]bool{}
	for _, s := range w.Services() {
		for _, c := range w.Callees(s) {
			lost[c.ID] = placeOf(each, c.Location, c.SET) == place
		}
	}
	out := w.WithFiles(w.Table, w.Rules)
	// The registry says who callers are: callers stay who they are.
	out.Instances, out.Names = nil, slices.Clone(w.Names)
	for _, i := range w.Instances {
		out.Names = append(out.Names, i.Service) // a service without instances is still one
		if lost[i.ID] {
			i.Service = service2("lost")
		}
		out.Instances = append(out.Instances, i)
	}
	return out
}

// slowDrill asks for an explanation of each kind of caller and each service.
func slowDrill(w *world.World, each string, gone bool) map[string]slowLoss {
	out := map[string]slowLoss{}
	for _, s := range w.Services() {
		for _, c := range w.Callees(s) {
			if place := placeOf(each, c.Location, c.SET); place != "" && c.Usable() {
				loss := out[place]
				loss.instances++
				out[place] = loss
			}
		}
	}
	for place, loss := range out {
		lost := without(w, each, place, gone)
		loss.counts = map[world.Change]world.LossCount{}
		kinds, services := map[string]map[int]bool{}, map[string]map[string]bool{}
		for n, k := range w.Kinds() {
			for _, s := range w.Services() {
				r := world.Request{Addr: k.Addr, Service: s}
				change := slowChange(w.Explain(r), lost.Explain(r), w.Identity(k.Addr).Location)
				words := []string{string(change)}
				if change == world.ChangeEmpty || change == world.ChangeUnusable {
					words = append(words, "nothing")
				}
				for _, word := range words {
					if kinds[word] == nil {
						kinds[word], services[word] = map[int]bool{}, map[string]bool{}
					}
					kinds[word][n], services[word][s.String()] = true, true
					count := loss.counts[world.Change(word)]
					count.Pairs, count.Callers, count.Kinds, count.Services = count.Pairs+1, count.Callers+len(k.Callers), len(kinds[word]), len(services[word])
					loss.counts[world.Change(word)] = count
				}
			}
		}
		loss.nothing = loss.counts["nothing"]
		delete(loss.counts, "nothing")
		delete(loss.counts, world.ChangeNone)
		out[place] = loss
	}
	return out
}

// slowChange names the difference of two answers.
func slowChange(a, b explain.Explanation, caller location.Location) world.Change {
	outside := func(e explain.Explanation, depth int) bool {
		return slices.ContainsFunc(e.Instances, func(i explain.Instance) bool {
			return i.Sent && i.Usable && i.Location.Cut(depth) != caller.Cut(depth)
		})
	}
	before, after := a.State(), b.State()
	leaves := func(depth int) bool {
		return before.Usable > 0 && caller.Depth() >= depth && !outside(a, depth) && outside(b, depth)
	}
	switch {
	case before.Instances > 0 && after.Instances == 0:
		return world.ChangeEmpty
	case before.Usable > 0 && after.Usable == 0:
		return world.ChangeUnusable
	case slices.Equal(sentOf(a), sentOf(b)):
		return world.ChangeNone
	case leaves(1):
		return world.ChangeCrossRegion
	case leaves(2):
		return world.ChangeCrossZone
	}
	return world.ChangeList
}

// sentOf returns the list of an answer.
func sentOf(e explain.Explanation) (out []string) {
	for _, i := range e.Instances {
		if i.Sent {
			out = append(out, fmt.Sprint(i.ID, " ", i.Weight))
		}
	}
	slices.Sort(out)
	return out
}

// A drill says what an explanation says in a state without these instances, for each
// kind of caller and each service.
func TestDrill(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		each := pick(t, world.DrillKinds, "each")
		gone := rapid.Bool().Draw(t, "gone")
		drill, want := w.Drill(world.DrillQuery{Each: each, Gone: gone}), slowDrill(w, each, gone)
		if len(drill.Losses) != len(want) {
			t.Fatalf("%d losses, want %v", len(drill.Losses), slices.Sorted(maps.Keys(want)))
		}
		for _, loss := range drill.Losses {
			counts := maps.Clone(loss.Counts)
			maps.DeleteFunc(counts, func(_ world.Change, c world.LossCount) bool { return c == world.LossCount{} })
			slow := want[loss.Place]
			if diff := cmp.Diff(slow.counts, counts); diff != "" || loss.Nothing != slow.nothing || loss.Instances != slow.instances {
				t.Errorf("%s: %d instances, want %d; nothing %+v, want %+v (-want +got)\n%s", loss.Place, loss.Instances, slow.instances, loss.Nothing, slow.nothing, diff)
			}
			kinds, seen := map[world.Change]int{}, map[world.Change]int{}
			for _, row := range loss.Rows {
				kinds[row.Change] += row.Kinds
				seen[row.Change] += row.Seen
			}
			for change, count := range counts {
				if kinds[change] != count.Pairs || seen[change] != count.Callers {
					t.Errorf("%s: %s in rows %d kinds, %d callers, counted %+v", loss.Place, change, kinds[change], seen[change], count)
				}
			}
		}
	})
}

// The loads of a drill are those of a state without the instances.
func TestDrillLoads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		each := pick(t, world.DrillKinds, "each")
		var asking []world.Asking
		for _, k := range w.Kinds() {
			for _, s := range w.Services() {
				if len(k.Callers) > 0 {
					asking = append(asking, world.Asking{Service: s, Addr: k.Addr, Callers: len(k.Callers)})
				}
			}
		}
		now := slowTimes(w, asking)
		for _, loss := range w.Drill(world.DrillQuery{Each: each}).Losses {
			want := slowTimes(without(w, each, loss.Place, false), asking)
			for _, road := range loss.Roads {
				prefix := fmt.Sprint(road.Service, " ", road.Rule, " ", road.Tier, " ", road.Level, " ", road.Usable, " ")
				ok := false
				for key, times := range want {
					ok = ok || strings.HasPrefix(key, prefix) && near(times, road.Times)
				}
				if !ok {
					t.Errorf("without %s: %+v is not among %v, now %v", loss.Place, road, want, now)
				}
				if road.Times <= *road.Before {
					t.Errorf("without %s: %+v does not carry more than now", loss.Place, road)
				}
			}
			highest := 0.0
			for key, times := range want {
				if times > world.LoadListed+1e-6 && times > now[key]*1.0002 { // less more is no more: isWorse
					highest = max(highest, times)
				}
			}
			if loss.Load < highest && !near(loss.Load, highest) {
				t.Errorf("without %s: the highest load is %g, want %g", loss.Place, loss.Load, highest)
			}
		}
	})
}

// A drill for which nobody waits any more decides nothing.
func TestDrillStops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if d := drawWorld(t).Drill(world.DrillQuery{Each: "zone", Stopped: func() bool { return true }}); len(d.Losses)+d.Services > 0 {
			t.Errorf("it went on, to %d losses of %d services", len(d.Losses), d.Services)
		}
	})
}
