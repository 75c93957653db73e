package world_test

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// drawAsking draws who asked for what.
func drawAsking(t *rapid.T) (out []world.Asking) {
	for range rapid.IntRange(1, 8).Draw(t, "asking") {
		out = append(out, world.Asking{
			Service: service2(pick(t, someNames, "asked")), Callers: rapid.IntRange(1, 20).Draw(t, "callers"),
			Addr: netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(1, 3).Draw(t, "net")), byte(rapid.IntRange(0, 1).Draw(t, "part")), 7}),
		})
	}
	return out
}

// list is the usable instances that a caller is sent, with the part of its requests
// that each gets.
type list map[string]float64

// listOf returns the list of an explanation.
func listOf(e explain.Explanation) list {
	out, sum := list{}, 0.0
	for _, i := range e.Instances {
		if i.Sent && i.Usable && i.Weight > 0 {
			out[i.ID] = float64(i.Weight)
			sum += float64(i.Weight)
		}
	}
	for id := range out {
		out[id] /= sum
	}
	return out
}

// slowTimes returns the load of each road by docs/design.md, 8, caller by caller.
func slowTimes(w *world.World, asking []world.Asking) map[string]float64 {
	weights := map[string]float64{}
	for _, i := range w.Instances {
		weights[i.ID] = float64(i.Weight)
	}
	works := w.WithCallees(func(c *explain.Callee) { c.Healthy, c.Evacuated = true, false })
	type caller struct {
		now, first list
		road       string
	}
	var callers []caller
	for _, a := range asking {
		r := world.Request{Addr: a.Addr, Service: a.Service}
		e := w.Explain(r)
		c := caller{now: listOf(e), first: listOf(works.Explain(r))}
		if s := e.State(); s.Answer != explain.AnswerStock && s.Answer != explain.AnswerShadow && len(c.now) > 0 {
			var ids []string
			for id := range c.now {
				ids = append(ids, id)
			}
			slices.Sort(ids)
			c.road = fmt.Sprint(a.Service, " ", s.Rule, " ", s.Tier, " ", s.Level, " ", len(ids), " ", strings.Join(ids, ","))
		}
		for range a.Callers {
			callers = append(callers, c)
		}
	}
	takenUp := func(id string) float64 {
		sum := 0.0
		for _, c := range callers {
			sum += c.first[id]
		}
		return weights[id] / sum
	}
	out := map[string]float64{}
	for _, road := range callers {
		if road.road == "" {
			continue
		}
		taken, weight := 0.0, 0.0
		for id := range road.now {
			weight += weights[id]
			for _, c := range callers {
				each := 0.0
				if c.first[id] > 0 {
					each = takenUp(id)
				} else {
					for other, part := range c.first {
						each += part * takenUp(other)
					}
				}
				taken += c.now[id] * each
			}
		}
		out[road.road] = taken / weight
	}
	return out
}

// Loads says what the oracle says, and says nothing of services of which everything works.
func TestLoads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, asking := drawWorld(t), drawAsking(t)
		want := slowTimes(w, asking)
		var got []string
		for _, road := range w.Loads(asking, 2) {
			prefix := fmt.Sprint(road.Service, " ", road.Rule, " ", road.Tier, " ", road.Level, " ", road.Usable, " ")
			key := ""
			for candidate, times := range want {
				if strings.HasPrefix(candidate, prefix) && near(times, road.Times) {
					key = candidate
				}
			}
			if key == "" {
				t.Fatalf("%+v is not among %v", road, want)
			}
			got = append(got, key)
			delete(want, key)
		}
		for key, times := range want {
			if !near(times, 1) {
				t.Errorf("%s is not said: %g times, of %v", key, times, got)
			}
		}
	})
}

// Twelve own instances' load on two of the pool, as docs/design.md, 8 works it out.
func TestLoadOfAPool(t *testing.T) {
	var problems strict.Problems
	w := &world.World{
		Now:   now.Add(time.Minute),
		Table: location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte("match,region,zone,set\n10.1.0.0/16,r1,z1,a.b.h\n10.2.0.0/16,r1,z2,a.b.z\n")}}, &problems),
		Rules: route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\nrules: [{name: r, service: '*/*', set: {}}]\n")}}, now, &problems),
	}
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	for n := range 14 {
		i := instance("s", fmt.Sprintf("10.9.0.%d", n+1), "a.b.h", false)
		if n >= 12 {
			i = instance("s", fmt.Sprintf("10.9.1.%d", n), "a.b.*", true)
		}
		i.ID, i.Weight = fmt.Sprint(n), 100
		w.Instances = append(w.Instances, i)
	}
	s := route.Service{Namespace: w.Instances[0].Service.Namespace, Name: "s"}
	asking := []world.Asking{{s, netip.MustParseAddr("10.1.0.1"), 120}, {s, netip.MustParseAddr("10.2.0.1"), 20}}
	got := w.Loads(asking, 1)
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	road := got[0]
	line := fmt.Sprintf("%s %s %s %s: %s, %d usable, %d kinds, %d callers, %.1f times, %.2f beside %.2f", road.Service, road.Rule, road.Tier, cmp.Or(road.Level, "-"), road.Where, road.Usable, road.Kinds, road.Seen, road.Times, road.Now(), road.First())
	if want := "default/s r pool -: a.b.* in -, 2 usable, 2 kinds, 140 callers, 7.0 times, 0.70 beside 0.10"; line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a), math.Abs(b)) }

// That callers who moved to another node count twice for a while does not move the load of
// roads whose callers have one first road: what a caller takes up there is a share of it.
func TestLoadsOfCallersThatMoved(t *testing.T) {
	const mapping, rules = "match,set,region,zone\n10.1.0.0/16,a.b.h,r,z1\n10.2.0.0/16,a.b.p,r,z1\n", `
version: 1
rules: [{name: r, service: default/s, set: {tiers: [own, pool]}, nearby: {matchLevel: zone, maxMatchLevel: all}}]
`
	var problems strict.Problems
	w := &world.World{
		Now:   now,
		Table: location.LoadMapping([]strict.File{{Name: "m.csv", Data: []byte(mapping)}}, &problems),
		Rules: route.Load([]strict.File{{Name: "r.yaml", Data: []byte(rules)}}, now, &problems),
	}
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	service := route.Service{Namespace: "default", Name: "s"}
	w.AddService(service, nil)
	for n := range 14 { // the SET of 12 is down, the pool of two works
		set := "a.b.h"
		if n >= 12 {
			set = "a.b.*"
		}
		w.Instances = append(w.Instances, world.Instance{
			ID: fmt.Sprint(n), Service: service, Host: fmt.Sprintf("10.9.0.%d", n), Port: 80, Location: location.Location{Region: "r", Zone: "z1"},
			Metadata: map[string]string{"set-group": set}, Healthy: n >= 12, Weight: 100,
		})
	}
	times := func(failed, own int) float64 {
		loads := w.Loads([]world.Asking{{Service: service, Addr: netip.MustParseAddr("10.1.0.1"), Callers: failed}, {Service: service, Addr: netip.MustParseAddr("10.2.0.1"), Callers: own}}, 1)
		if len(loads) != 1 || loads[0].Seen != failed+own {
			t.Fatalf("the loads are %+v, want one road with all callers", loads)
		}
		return loads[0].Times
	}
	for _, moved := range []int{0, 1, 60, 120} {
		if got := times(120+moved, 20); !near(got, 7) {
			t.Errorf("with %d of 120 callers counted twice the pool carries %g times, want the 7 of docs/design.md, 8", moved, got)
		}
		if got := times(120, 20+moved); !near(got, 7) {
			t.Errorf("with %d more callers of the pool it carries %g times", moved, got)
		}
	}
}
