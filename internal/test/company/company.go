// Package company makes the state of a company with many services, for benchmarks. It
// makes the same state each time.
package company

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Size is how large a company is.
type Size struct {
	Services, Instances int
	SETs                int // of which one in five is a pool
	Zones               int
	Callers             int // that asked lately
}

// Large is the company of docs/performance.md: 2,000 services, 20,000 instances and 200
// kinds of callers.
var Large = Size{Services: 2000, Instances: 20000, SETs: 25, Zones: 8, Callers: 5000}

// businesses is how many businesses there are. Each has a rule.
const businesses = 5

// Dump returns the state of a company at a moment. Half of the services have a rule of
// their own, the other half have that of their business; one service in ten has a lane
// address, too.
func Dump(size Size, now time.Time) world.Dump {
	rng := rand.New(rand.NewPCG(17, 3))
	d := world.Dump{
		Now: now, Sources: location.SourceNames,
		Mapping: []world.Text{{Name: "mapping.yaml", Content: mapping(size)}}, Routing: []world.Text{{Name: "routing.yaml", Content: Routing(size)}},
		Aliases: []world.Alias{}, Clients: []world.Client{}, Pods: []world.Pod{},
	}
	for n := range size.Services {
		d.Services = append(d.Services, world.Service{Namespace: "default", Name: service(n), Metadata: map[string]string{"owner": fmt.Sprintf("team-%d", n%40)}})
	}
	for n := range size.Instances {
		set, zone := rng.IntN(size.SETs), rng.IntN(size.Zones)
		d.Instances = append(d.Instances, world.Instance{
			ID: fmt.Sprintf("%040x", n), Service: route.Service{Namespace: "default", Name: service(n % size.Services)},
			Host: fmt.Sprintf("10.%d.%d.%d", zone, set, 1+n%250), Port: uint32(2000 + n), Location: place(zone),
			Metadata: map[string]string{"set-group": setName(set), "version": "1.2.3", "protocol": "trpc"},
			Healthy:  rng.IntN(50) > 0, Weight: 100,
		})
	}
	for n := range size.Callers {
		addr := netip.AddrFrom4([4]byte{10, byte(rng.IntN(size.Zones)), byte(rng.IntN(size.SETs)), byte(1 + n%250)})
		d.Callers = append(d.Callers, world.Seen{Addr: addr, Requests: uint64(1 + rng.IntN(1000))})
	}
	return d
}

// Routing returns the routing file of a company.
func Routing(size Size) string {
	var b strings.Builder
	b.WriteString("version: 1\nrules:\n")
	for n := range size.Services / 2 {
		level := []string{"campus", "zone", "region"}[n%3]
		fmt.Fprintf(&b, "  - {name: %s, service: default/%s, set: {unknown: none}, nearby: {matchLevel: %s}, degrade: {minUsable: 1}}\n", service(n), service(n), level)
	}
	for n := range businesses {
		fmt.Fprintf(&b, "  - {name: business-%d, service: default/b%d.*, set: {tiers: [own, pool, business]}, nearby: {}, onEmpty: all}\n", n, n)
	}
	b.WriteString("addresses:\n")
	for n := 0; n < size.Services; n += 10 {
		fmt.Fprintf(&b, "  - {service: default/lane.%d, target: default/%s, set: {callee: %s, tiers: [own, pool]}}\n", n, service(n), setName(n%size.SETs))
	}
	return b.String()
}

// mapping returns the mapping file of a company.
func mapping(size Size) string {
	var b strings.Builder
	b.WriteString("version: 1\nmappings:\n")
	for zone := range size.Zones {
		p := place(zone)
		fmt.Fprintf(&b, "  - {match: 10.%d.0.0/16, region: %s, zone: %s, campus: %s}\n", zone, p.Region, p.Zone, p.Campus)
		for set := range size.SETs {
			fmt.Fprintf(&b, "  - {match: 10.%d.%d.0/24, set: %s}\n", zone, set, setName(set))
		}
	}
	return b.String()
}

func service(n int) string { return fmt.Sprintf("b%d.app%d.server", n%businesses, n) }

// setName returns the name of a SET. One in five is a pool.
func setName(n int) string {
	group := fmt.Sprintf("g%d", n%5)
	if n%5 == 4 {
		group = "*"
	}
	return fmt.Sprintf("biz%d.area.%s", n/5, group)
}

func place(zone int) location.Location {
	return location.Location{Region: fmt.Sprintf("r%d", zone/3), Zone: fmt.Sprintf("z%d", zone), Campus: fmt.Sprintf("z%d-1", zone)}
}
