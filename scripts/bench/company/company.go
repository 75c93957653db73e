package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// company is how large a company is. A business has a SET in each city, and a pool over all
// cities. One service in ten is of the platform: every business uses it, and it has no SETs.
type company struct {
	services, rules, instances int
	kinds                      int // of callers: a SET in its city
	uses                       int // services that a kind uses
}

const (
	cities       = 5
	platformOne  = 10 // one service of so many is of the platform
	poolOne      = 4  // one instance of so many is of the pool
	usesPlatform = 5  // one service of so many that a kind uses is of the platform
)

func (c company) businesses() int { return max(1, c.kinds/cities) }

// isPlatform reports whether a service is of the platform.
func isPlatform(service int) bool { return service%platformOne == 0 }

func (c company) serviceName(n int) string {
	if isPlatform(n) {
		return fmt.Sprintf("platform.s%d", n)
	}
	return fmt.Sprintf("b%d.s%d", c.businessOf(n), n)
}

// businessOf returns the business of a service that is not of the platform.
func (c company) businessOf(service int) int {
	return (service - service/platformOne - 1) % c.businesses()
}

// kind is a kind of callers: a SET. Each kind has a subnet of loopback for its callers.
type kind int

func (k kind) business() int { return int(k) / cities }
func (k kind) city() int     { return int(k) % cities }
func (k kind) set() string   { return fmt.Sprintf("biz%d.area.c%d", k.business(), k.city()) }

func (k kind) addr(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(1 + k>>8), byte(k), byte(1 + n)})
}

func place(city int) location.Location {
	return location.Location{Region: fmt.Sprintf("r%d", city/2), Zone: fmt.Sprintf("z%d", city), Campus: fmt.Sprintf("z%d-1", city)}
}

// usedBy returns the services that a kind uses: of its business, and of the platform. They
// are the same in each run.
func (c company) usedBy(k kind) []string {
	var own, platform []int
	for n := range c.services {
		switch {
		case isPlatform(n):
			platform = append(platform, n)
		case c.businessOf(n) == k.business():
			own = append(own, n)
		}
	}
	random := rand.New(rand.NewPCG(uint64(k), 7))
	var out []string
	for n := range c.uses {
		list := &own
		if n%usesPlatform == 0 && len(platform) > 0 || len(own) == 0 {
			list = &platform
		}
		i := random.IntN(len(*list))
		out = append(out, c.serviceName((*list)[i]))
		*list = append((*list)[:i], (*list)[i+1:]...)
	}
	return out
}

// mapping returns a mapping file with the subnets of all kinds.
func (c company) mapping() string {
	var b strings.Builder
	b.WriteString("match,set,region,zone,campus\n")
	for k := range kind(c.kinds) {
		l := place(k.city())
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s\n", netip.PrefixFrom(k.addr(-1), 24), k.set(), l.Region, l.Zone, l.Campus)
	}
	return b.String()
}

// routing returns a routing file: rules of one service each, a rule for the other services
// of each business, and one for the platform. The rule of one service may have other tiers.
func (c company) routing(other string) string {
	var b strings.Builder
	b.WriteString("version: 1\nrules:\n")
	rules := c.rules - c.businesses() - 1
	for n := 0; n < c.services && rules > 0; n++ {
		if isPlatform(n) {
			continue
		}
		name, tiers := c.serviceName(n), "own, pool"
		if name == other {
			tiers = "pool"
		}
		fmt.Fprintf(&b, "  - {name: %s, service: default/%s, set: {tiers: [%s]}, nearby: {}}\n", name, name, tiers)
		rules--
	}
	for n := range c.businesses() {
		fmt.Fprintf(&b, "  - {name: business-%d, service: \"default/b%d.*\", set: {tiers: [own, pool, siblings]}, nearby: {}}\n", n, n)
	}
	b.WriteString("  - {name: platform, service: \"default/platform.*\", nearby: {}}\n")
	return b.String()
}
