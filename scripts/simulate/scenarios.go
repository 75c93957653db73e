package main

import (
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Times of the scenarios.
const (
	failsAt = 60 * time.Second
	backAt  = 300 * time.Second
	endsAt  = 900 * time.Second
)

// scenario says which instances fail when.
type scenario struct {
	name, text string
	// isDown reports whether an instance of the city that fails is down at a moment. The
	// instance is the number n of so many, group or pool alone.
	isDown func(n, count int, at time.Duration) bool
	// elsewhere reports whether an instance of another city is down; nil: none is.
	elsewhere func(n, count int, at time.Duration) bool
	// gone is true if instances deregister in the place of getting ill.
	gone bool
	// topples is true if instances fall under their load.
	topples bool
}

// between reports whether a moment is while the failure lasts.
func between(at time.Duration) bool { return failsAt <= at && at < backAt }

// first returns a scenario's isDown in which a share of the instances are down together.
func first(numerator, denominator int) func(n, count int, at time.Duration) bool {
	return func(n, count int, at time.Duration) bool {
		return between(at) && n*denominator < count*numerator
	}
}

var scenarios = []scenario{
	{name: "city dark", text: "every instance of a city is ill for 4 minutes", isDown: first(1, 1)},
	{name: "city gone", text: "every instance of a city deregisters for 4 minutes", isDown: first(1, 1), gone: true},
	{name: "nine of ten", text: "nine of ten instances of a city are ill for 4 minutes", isDown: first(9, 10)},
	{name: "half", text: "half of the instances of a city are ill for 4 minutes", isDown: first(1, 2)},
	{name: "half everywhere", text: "half of the instances of each city are ill for 4 minutes", isDown: first(1, 2), elsewhere: first(1, 2)},
	{name: "one by one", text: "the instances of a city get ill one after the other, and well again together", isDown: func(n, count int, at time.Duration) bool {
		return between(at) && at >= failsAt+time.Duration(n)*(backAt-failsAt)/time.Duration(count+1)
	}},
	{name: "rolling restart", text: "each instance of a city is ill for 20 s, one after the other", isDown: func(n, _ int, at time.Duration) bool {
		begin := failsAt + time.Duration(n)*20*time.Second
		return begin <= at && at < begin+20*time.Second
	}},
	{name: "flapping", text: "half of the instances of a city are ill for 5 s of every 10 s", isDown: func(n, count int, at time.Duration) bool {
		return between(at) && n*2 < count && (at-failsAt)/(5*time.Second)%2 == 0
	}},
	{name: "city flapping", text: "every instance of a city is ill for 5 s of every 10 s", isDown: func(_, _ int, at time.Duration) bool {
		return between(at) && (at-failsAt)/(5*time.Second)%2 == 0
	}},
	{name: "nine of ten, toppling", text: "as nine of ten, and an instance falls for a minute that carries too much for 5 s", isDown: first(9, 10), topples: true},
}

// way is a way to degrade, in the place of what the rules say.
type way struct {
	name    string
	degrade *route.Degrade // nil: as the rules say
}

var ways = []way{
	{"the rules' own", nil},
	{"cliff", &route.Degrade{UnhealthyPercent: 100, MinUsable: 1, HoldDown: 10 * time.Second}},
	{"unhealthyPercent: 50", &route.Degrade{UnhealthyPercent: 50, MinUsable: 1, HoldDown: 10 * time.Second}},
	{"minUsable: 20%", &route.Degrade{UnhealthyPercent: 100, MinUsable: 20, MinUsableIsShare: true, HoldDown: 10 * time.Second}},
	{"holdDown: 60s", &route.Degrade{UnhealthyPercent: 100, MinUsable: 1, HoldDown: time.Minute}},
	{"overprovision: 140", &route.Degrade{UnhealthyPercent: 100, MinUsable: 1, Overprovision: 140, HoldDown: 10 * time.Second}},
	{"140, failback: 5m", &route.Degrade{UnhealthyPercent: 100, MinUsable: 1, Overprovision: 140, HoldDown: 10 * time.Second, Failback: 5 * time.Minute}},
}

// apply returns a route that degrades this way. Where shares exclude something else, the
// rule keeps its own way.
func (w way) apply(r route.Route) route.Route {
	if w.degrade == nil || r.Rule == nil || w.degrade.Overprovision > 0 && r.Rule.Blends() {
		return r
	}
	rule := *r.Rule
	rule.Degrade = *w.degrade
	r.Rule = &rule
	return r
}

// isIn reports whether an instance is in the city that fails.
func isIn(i route.Instance, city location.Location) bool { return i.Location.Cut(2) == city }
