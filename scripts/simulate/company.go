package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// size is how large a company is.
type size struct{ services, instances, businesses int }

// cities are region and zone. The first one fails.
var cities = []location.Location{{Region: "north", Zone: "bj"}, {Region: "east", Zone: "sh"}, {Region: "south", Zone: "sz"}}

// poolShare is how many of a service's instances are of the pool: one of so many.
const poolShare = 4

// newCompany returns a company: each service is of a business, and has a group in each city
// and a pool over all cities. Callers are of a business and a city.
func newCompany(s size) (*world.World, error) {
	if s.services < 1 || s.businesses < 1 || s.instances < s.services*len(cities) {
		return nil, fmt.Errorf("%d services with %d instances of %d businesses are too few, expected %d instances or more for each service, and a business", s.services, s.instances, s.businesses, len(cities))
	}
	w := &world.World{Now: time.Unix(0, 0)}
	var mapping strings.Builder
	mapping.WriteString("match,region,zone,set\n")
	for b := range s.businesses {
		for c, city := range cities {
			fmt.Fprintf(&mapping, "10.%d.%d.%d/32,%s,%s,b%d.area.%s\n", b/250, b%250, c, city.Region, city.Zone, b, city.Zone)
		}
	}
	for n := range s.services {
		name := route.Service{Namespace: "default", Name: fmt.Sprintf("b%d.s%d", n%s.businesses, n)}
		w.AddService(name, nil)
		for i := range s.instances / s.services {
			city, group := cities[i%len(cities)], cities[i%len(cities)].Zone
			if i/len(cities)%poolShare == poolShare-1 {
				group = "*"
			}
			w.Instances = append(w.Instances, world.Instance{
				ID: fmt.Sprint(n, "-", i), Service: name, Host: fmt.Sprintf("172.%d.%d.%d", i, n/250, n%250), Port: 80, Location: city, Healthy: true, Weight: 100,
				Metadata: map[string]string{"internal-enable-set": "Y", "internal-set-name": fmt.Sprintf("b%d.area.%s", n%s.businesses, group)},
			})
		}
	}
	var rules strings.Builder
	rules.WriteString("version: 1\nrules:\n")
	for b := range s.businesses {
		fmt.Fprintf(&rules, "  - {name: b%d, service: \"default/b%d.*\", when: {set: \"b%d.*.*\"}, set: {tiers: [own, pool, siblings]}, nearby: {}}\n", b, b, b)
	}
	var problems strict.Problems
	w.Table = location.LoadMapping([]strict.File{{Name: "mapping.csv", Data: []byte(mapping.String())}}, &problems)
	w.Rules = route.Load([]strict.File{{Name: "routing.yaml", Data: []byte(rules.String())}}, w.Now, &problems)
	return w, problems.Err()
}

// cityOf returns the zone that fails: of most instances, the first of equal ones.
func cityOf(w *world.World) location.Location {
	counts := map[location.Location]int{}
	var most location.Location
	for _, name := range w.Services() {
		for _, c := range w.Callees(name) {
			zone := c.Location.Cut(2)
			if counts[zone]++; zone.Depth() == 2 && (most.Depth() == 0 || counts[zone] > counts[most]) {
				most = zone
			}
		}
	}
	return most
}
