package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/polaris-contrib/setrouter/internal/test/oracle"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// places are consistent: a zone is in one region, a campus in one zone.
var places = []oracle.Place{
	{"east", "sh", "sh-1"}, {"east", "sh", "sh-2"}, {"east", "hz", "hz-1"}, {"south", "sz", "sz-1"}, {"south", "gz", "gz-1"}, {"north", "bj", "bj-1"},
}

// services are the services that have instances, and the SETs of these instances.
var services = map[string][]string{
	"novel": {"qb.novel.h", "qb.novel.z", "qb.novel.*", "qb.comic.h", "ams.feed.h"},
	"feed":  {"ams.feed.h", "ams.feed.z", "ams.feed.*", "qb.novel.h", ""},
	"epp":   {"epp.core.bj", "epp.core.sz", "epp.core.*", "epp.query.bj"},
	"ams":   {"ams.feed.h", "ams.feed.*", ""},
	"mixed": {"qb.novel.h", "qb.novel.*", "ams.feed.z", "epp.core.bj", ""},
	"plain": {""},
	"old":   {"", "epp.core.bj"},
	"lone":  {"qb.novel.h", "ams.feed.h", ""}, // no rule is for it
}

// names are the names that callers ask for, and the services that the answers
// depend on. novel-alias and novelSID are Polaris aliases. core.epp and old are lane addresses;
// only old is a service, too.
var names = []struct {
	asked string
	reads []string
}{
	{"novel", []string{"novel"}}, {"feed", []string{"feed"}}, {"epp", []string{"epp"}}, {"ams", []string{"ams"}},
	{"mixed", []string{"mixed"}}, {"plain", []string{"plain"}}, {"lone", []string{"lone"}},
	{"novel-alias", []string{"novel"}}, {novelSID, []string{"novel"}}, {"core.epp", []string{"epp"}}, {"old", []string{"old", "epp"}},
}

const namespace = "default"

// kinds are the kinds of callers. Each has a network: 127.10.0.0/16 and the next
// ones. The mapping says what stands here, except for the last two kinds: the
// first of them registered instances at its addresses, the second is a stranger.
var kinds = []struct {
	set   string
	place oracle.Place
}{
	{"qb.novel.h", places[0]}, {"qb.novel.z", places[3]}, {"ams.feed.h", places[1]}, {"epp.core.bj", places[5]},
	{"epp.query.bj", oracle.Place{"north"}}, {"", places[2]}, {}, {},
}

const (
	kindRegistered = 6
	kindStranger   = 7
)

func network(kind int) string { return fmt.Sprintf("127.%d.0.0/16", 10+kind) }

// addrOf returns the address of caller n. Half of the callers are in a part of the
// network that has entries of its own.
func addrOf(n int) netip.Addr {
	kind := n % len(kinds)
	return netip.AddrFrom4([4]byte{127, byte(10 + kind), byte(n / len(kinds) / 4 % 2), byte(1 + n/len(kinds))})
}

// draw is a source of random choices.
type draw struct{ *rand.Rand }

func newDraw(seed uint64) draw { return draw{rand.New(rand.NewPCG(seed, 7))} }

// chance reports true in percent of the times.
func (d draw) chance(percent int) bool { return d.IntN(100) < percent }

// pick draws one of a list.
func pick[T any](d draw, list []T) T { return list[d.IntN(len(list))] }

// instance draws an instance of a service.
func (d draw) instance(service string, number int) polaristest.Instance {
	i := polaristest.Instance{
		Namespace: namespace, Service: service, Host: hostOf(service, number), Port: 8000 + number%2, Healthy: !d.chance(15), Isolate: d.chance(5),
		Weight: pick(d, []uint32{0, 1, 100, 100, 100, 250}),
	}
	d.identity(&i)
	return i
}

// identity draws what an instance says of itself. Some instances say no location:
// only the mapping of hosts knows where they are.
func (d draw) identity(i *polaristest.Instance) {
	i.Metadata = map[string]string{}
	switch set := pick(d, services[i.Service]); {
	case set == "":
	case d.chance(20):
		i.Metadata["set-group"] = set
	default:
		i.Metadata["internal-set-name"], i.Metadata["internal-enable-set"] = set, "Y"
	}
	i.Location = nil
	if d.chance(70) {
		p := pick(d, places)
		i.Location = &polaristest.Location{Region: p[0], Zone: p[1], Campus: p[2]}
		if d.chance(10) {
			i.Location.Campus = ""
		}
	}
}

// hostOf puts a few instances of lone at callers' addresses.
func hostOf(service string, number int) string {
	if service == "lone" && number%2 == 0 {
		return fmt.Sprintf("127.%d.%d.%d", 10+kindRegistered, number/2%2, 1+number/2)
	}
	var index int
	for n, other := range serviceNames() {
		if other == service {
			index = n
		}
	}
	return fmt.Sprintf("10.%d.%d.%d", 1+index, number%4, 1+number)
}

func serviceNames() []string {
	var out []string
	for _, n := range names {
		if _, ok := services[n.asked]; ok {
			out = append(out, n.asked)
		}
	}
	return out
}
