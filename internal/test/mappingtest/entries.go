// Package mappingtest makes large mapping files for benchmarks and tests. It makes
// the same files each time.
package mappingtest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
)

// Entry is one entry of a mapping file. Empty fields are left out of the file.
type Entry struct {
	Prefix               netip.Prefix
	Region, Zone, Campus string
	SET, Lane            string
}

// Entries makes n distinct entries, nested three deep. A network (/16 or /48) has
// a region and a zone. Each of its blocks (/24 or /64) has a campus. One block in
// thirty has 250 hosts, and the others have 8, so that half of the hosts are close
// together and half are far apart. Half of the hosts say their SET only, the others
// say their place, too. One host in twenty has a label. There are 1000 SETs, and 27
// campuses in 9 zones and 3 regions. Seven blocks in ten are IPv4.
func Entries(n int) []Entry {
	rng := rand.New(rand.NewPCG(5, 8))
	networks := map[netip.Prefix]bool{}
	out := make([]Entry, 0, n+300)
	for i := 0; len(out) < n; i++ {
		b := block{number: i, v6: i%10 >= 7}
		if network := b.prefix(16, 48); !networks[network] {
			networks[network] = true
			out = append(out, Entry{Prefix: network, Region: b.region(), Zone: b.zone()})
		}
		out = append(out, Entry{Prefix: b.prefix(24, 64), Campus: b.campus()})
		hosts := 8
		if rng.IntN(30) == 0 {
			hosts = 250
		}
		for _, last := range rng.Perm(256)[:hosts] {
			out = append(out, b.host(rng, byte(last)))
		}
	}
	return out[:n]
}

// block is a network of hosts that differ in the last byte.
type block struct {
	number int
	v6     bool
}

func (b block) addr(last byte) netip.Addr {
	high, mid, low := byte(b.number>>16), byte(b.number>>8), byte(b.number)
	if b.v6 {
		return netip.AddrFrom16([16]byte{0: 0xfd, 1: 5, 4: high, 5: mid, 7: low, 15: last})
	}
	return netip.AddrFrom4([4]byte{10 + high, mid, low, last})
}

func (b block) prefix(bits4, bits6 int) netip.Prefix {
	if b.v6 {
		return netip.PrefixFrom(b.addr(0), bits6).Masked()
	}
	return netip.PrefixFrom(b.addr(0), bits4).Masked()
}

// A network is in one zone, and its blocks are in the campuses of that zone.
func (b block) region() string { return fmt.Sprintf("region-%d", b.number>>8%9/3) }
func (b block) zone() string   { return fmt.Sprintf("zone-%d", b.number>>8%9) }
func (b block) campus() string { return fmt.Sprintf("campus-%d-%d", b.number>>8%9, b.number%3) }

func (b block) host(rng *rand.Rand, last byte) Entry {
	addr := b.addr(last)
	set := rng.IntN(1000)
	e := Entry{Prefix: netip.PrefixFrom(addr, addr.BitLen())}
	e.SET = fmt.Sprintf("biz%d.area%d.g%d", set/100, set/10%10, set%10)
	if rng.IntN(2) == 0 {
		e.Region, e.Zone, e.Campus = b.region(), b.zone(), b.campus()
	}
	if rng.IntN(20) == 0 {
		e.Lane = []string{"gray", "blue"}[rng.IntN(2)]
	}
	return e
}

// Queries makes n addresses in random order. Four in five are addresses of entries;
// one in five is moved away from all entries.
func Queries(entries []Entry, n int) []netip.Addr {
	rng := rand.New(rand.NewPCG(8, 5))
	out := make([]netip.Addr, n)
	for i := range out {
		addr := entries[rng.IntN(len(entries))].Prefix.Addr().AsSlice()
		if rng.IntN(5) == 0 {
			addr[0] ^= 0x40
		}
		out[i], _ = netip.AddrFromSlice(addr)
	}
	return out
}
