package main

import (
	"math"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/load"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// simulation is a scenario in the making, with one way to degrade.
type simulation struct {
	services []*service
	way      way
	city     location.Location
	topple   float64
	result   result
}

// service is a service with those that call it.
type service struct {
	instances []route.Instance // as they are when everything works
	now       []route.Instance
	present   []int // indexes of now into instances
	groups    []*group
	places    []place
	strain    []time.Duration // since when an instance carries too much
	fallen    []time.Duration // until when an instance is down; 0: it is not
	loads     []float64       // of each instance
	peak      float64         // the highest of them
}

// place is where an instance stands in a scenario.
type place struct{ n, count int }

// group is callers of one kind.
type group struct {
	route   route.Route
	stock   bool // the callers get every instance
	home    location.Location
	callers int
	memory  route.Memory
	until   time.Time
	list    []load.Share // by indexes of instances
	weights map[int]uint32
	first   []load.Share
	away    float64 // the part of the requests that leaves the callers' zone
}

// result is what a scenario came to.
type result struct {
	way     string
	peak    float64   // the highest load of an instance
	above   float64   // caller-minutes on instances that carry more than 1.5 times
	nothing int       // callers with nothing usable, the most at a moment
	moved   float64   // callers that were moved to another city or back, all added up
	changes int       // lists that callers were sent, all added up
	fallen  int       // instances that fell
	rise    float64   // the steepest rise of an instance's load in a second
	peaks   []float64 // the highest load at each step
}

// newSimulation returns a simulation of a state. Shadow and rollouts are as the rules say,
// for the caller that stands for its kind.
func newSimulation(w *world.World, way way, o options) *simulation {
	s := &simulation{way: way, city: cityOf(w), topple: o.topple, result: result{way: way.name}}
	kinds := w.Kinds()
	for _, name := range w.Services() {
		callees := w.Callees(name)
		if w.Rules.IsAddress(name) || len(callees) == 0 {
			continue
		}
		one := &service{}
		for _, c := range callees {
			i := c.Instance
			i.Healthy = true
			one.instances = append(one.instances, i)
		}
		one.strain, one.fallen, one.loads = make([]time.Duration, len(callees)), make([]time.Duration, len(callees)), make([]float64, len(callees))
		one.place(s.city)
		resolved := route.Resolved{Name: route.Name{Service: name, Exists: true, Metadata: w.Metadata[name]}}
		for _, k := range kinds {
			r, why := w.Rules.Route(route.Request{Addr: k.Addr, Caller: k.Identity.Identity, Resolved: resolved}, nil)
			if r.Rule == nil {
				continue // callers whom no rule concerns
			}
			one.groups = append(one.groups, &group{route: way.apply(r), stock: why != route.WhyRouted, home: k.Identity.Location.Cut(2), callers: max(o.callers, len(k.Callers))})
		}
		if len(one.groups) > 0 {
			s.services = append(s.services, one)
		}
	}
	return s
}

// place numbers the instances of each SET in and outside of the city that fails.
func (s *service) place(city location.Location) {
	type key struct {
		set  location.SET
		zone location.Location
	}
	counts := map[key]int{}
	for _, i := range s.instances {
		k := key{i.SET, i.Location.Cut(2)}
		s.places = append(s.places, place{n: counts[k]})
		counts[k]++
	}
	for n, i := range s.instances {
		s.places[n].count = counts[key{i.SET, i.Location.Cut(2)}]
	}
}

// play plays a scenario from its begin to its end.
func (s *simulation) play(scene scenario) result {
	epoch := time.Unix(0, 0)
	for at := time.Duration(0); at < endsAt; at += step {
		highest := 0.0
		for _, one := range s.services {
			changed := one.fail(scene, s.city, at)
			if s.decide(one, epoch.Add(at), changed || at == 0) || one.peak > 1.5 {
				s.carry(one, scene.topples, at)
			}
			highest = max(highest, one.peak)
		}
		s.result.peaks = append(s.result.peaks, highest)
		s.result.peak = max(s.result.peak, highest)
		s.countNothing()
	}
	return s.result
}

// fail lets instances fail and come back. It reports whether anything has changed.
func (s *service) fail(scene scenario, city location.Location, at time.Duration) bool {
	now, present := make([]route.Instance, 0, len(s.instances)), make([]int, 0, len(s.instances))
	for n, i := range s.instances {
		down := at < s.fallen[n]
		if isIn(i, city) {
			down = down || scene.isDown(s.places[n].n, s.places[n].count, at)
		} else if scene.elsewhere != nil {
			down = down || scene.elsewhere(s.places[n].n, s.places[n].count, at)
		}
		if down && scene.gone {
			continue
		}
		i.Healthy = !down
		now, present = append(now, i), append(present, n)
	}
	if s.now != nil && slices.Equal(now, s.now) {
		return false
	}
	s.now, s.present = now, present
	return true
}

// decide decides for the callers of a service where something has changed or a hold-down
// ends. It reports whether a list has changed.
func (s *simulation) decide(one *service, now time.Time, changed bool) (anyList bool) {
	var callee *route.Callee
	for _, g := range one.groups {
		if !changed && (g.until.IsZero() || now.Before(g.until)) {
			continue
		}
		if callee == nil {
			callee = route.NewCallee(one.now)
		}
		var members []route.Member
		if g.stock {
			for i := range one.now {
				members = append(members, route.Member{Index: i, Weight: one.now[i].Weight})
			}
		} else {
			var d route.Decision
			d, members, g.memory = g.route.Settle(callee, nil, g.memory, now)
			g.until = d.HeldUntil()
		}
		anyList = s.send(one, g, members) || anyList
	}
	return anyList || changed
}

// send gives a group a list. It reports whether that is another one.
func (s *simulation) send(one *service, g *group, members []route.Member) bool {
	sum, away, list, weights := 0.0, 0.0, []load.Share{}, map[int]uint32{}
	for _, m := range members {
		i := one.now[m.Index]
		weights[one.present[m.Index]] = m.Weight
		if i.Usable() {
			list = append(list, load.Share{Instance: one.present[m.Index], Part: float64(m.Weight)})
			sum += float64(m.Weight)
			if i.Location.Cut(2) != g.home {
				away += float64(m.Weight)
			}
		}
	}
	for n := range list {
		list[n].Part /= sum
	}
	if sum > 0 {
		away /= sum
	}
	same := g.first != nil && sameWeights(weights, g.weights) && slices.Equal(list, g.list)
	if g.first == nil {
		g.first, g.away = list, away // everything works at the begin
	} else if !same {
		s.result.changes += g.callers
		if sum > 0 {
			s.result.moved += math.Abs(away-g.away) * float64(g.callers)
			g.away = away
		}
	}
	g.list, g.weights = list, weights
	return !same
}

func sameWeights(a, b map[int]uint32) bool {
	if len(a) != len(b) {
		return false
	}
	for i, weight := range a {
		if other, ok := b[i]; !ok || other != weight {
			return false
		}
	}
	return true
}

// carry adds up what the instances of a service carry, and lets those fall that carry too
// much.
func (s *simulation) carry(one *service, topples bool, at time.Duration) {
	weights := make([]uint32, len(one.instances))
	for n, i := range one.instances {
		weights[n] = i.Weight
	}
	var groups []load.Group
	for _, g := range one.groups {
		groups = append(groups, load.Group{Callers: g.callers, Now: g.list, First: g.first})
	}
	loads := load.New(weights, groups)
	one.peak = 0
	for n := range one.instances {
		of := loads.Of([]int{n})
		times := of.Times()
		one.peak = max(one.peak, times)
		if times > 1.5 {
			s.result.above += of.Callers * step.Minutes()
		}
		if at > 0 {
			s.result.rise = max(s.result.rise, times-one.loads[n])
		}
		one.loads[n] = times
		if !topples || times <= s.topple {
			one.strain[n] = 0
			continue
		}
		if one.strain[n] += step; one.strain[n] >= 5*time.Second {
			one.strain[n], one.fallen[n] = 0, at+time.Minute
			s.result.fallen++
		}
	}
}

// countNothing counts the callers that have nothing usable now.
func (s *simulation) countNothing() {
	nothing := 0
	for _, one := range s.services {
		for _, g := range one.groups {
			if len(g.list) == 0 {
				nothing += g.callers
			}
		}
	}
	s.result.nothing = max(s.result.nothing, nothing)
}
