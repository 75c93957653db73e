package caller

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

func living(set location.SET) location.Record { return location.Record{SET: set, Healthy: true} }

func TestHostIndex(t *testing.T) {
	x := newHostIndex(registryOrigin)
	addr, other := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	known := func(addr netip.Addr) string {
		f, ok := x.Facts(addr)
		if !ok {
			return "unknown"
		}
		facts := f.Facts()
		return fmt.Sprint(facts.AllSETs(), facts.SETFrom)
	}
	dead := location.Record{SET: "a.b.d"}
	steps := []struct {
		name    string
		do      func()
		want    string // of addr, of other
		several []netip.Addr
	}{
		{"put", func() { x.put("1", "10.0.0.1", living("a.b.c")) }, "[a.b.c] registry unknown", nil},
		{"another record", func() { x.put("2", "10.0.0.1", living("a.b.d")) }, "[a.b.c a.b.d] registry unknown", []netip.Addr{addr}},
		{"it dies", func() { x.put("2", "10.0.0.1", dead) }, "[a.b.c] registry unknown", nil},
		{"it lives again", func() { x.put("2", "10.0.0.1", living("a.b.d")) }, "[a.b.c a.b.d] registry unknown", []netip.Addr{addr}},
		{"it moves", func() { x.put("2", "::ffff:10.0.0.2", living("a.b.d")) }, "[a.b.c] registry [a.b.d] registry", nil},
		{"it changes", func() { x.put("1", "10.0.0.1", living("a.b.e")) }, "[a.b.e] registry [a.b.d] registry", nil},
		{"it says nothing", func() { x.put("1", "10.0.0.1", living("")) }, "[]  [a.b.d] registry", nil},
		{"removed", func() { x.remove("1"); x.remove("1") }, "unknown [a.b.d] registry", nil},
		{"its host becomes a name", func() { x.put("2", "a-host", living("a.b.d")) }, "unknown unknown", nil},
		{"a name from the start", func() { x.put("3", "a-host", living("a.b.d")) }, "unknown unknown", nil},
	}
	for _, step := range steps {
		step.do()
		if got := known(addr) + " " + known(other); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
		if got := x.withSeveralSETs(); !slices.Equal(got, step.several) {
			t.Errorf("%s: several SETs at %v, want %v", step.name, got, step.several)
		}
	}
	if len(x.records) != 0 || len(x.hosts) != 0 {
		t.Error("removed records leave something behind")
	}
}

// After any events the index says of each host what its records say together.
func TestHostIndexAgreesWithRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, hosts, records := newHostIndex(registryOrigin), map[string]string{}, map[string]location.Record{}
		for range rapid.IntRange(0, 30).Draw(t, "events") {
			id := rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(t, "id")
			if rapid.IntRange(0, 4).Draw(t, "remove") == 0 {
				x.remove(id)
				delete(hosts, id)
				continue
			}
			hosts[id] = rapid.SampledFrom([]string{"10.0.0.1", "[::ffff:10.0.0.1]", "10.0.0.2", "name"}).Draw(t, "host")
			records[id] = location.Record{
				Location: location.Location{Region: rapid.SampledFrom([]string{"", "r", "q"}).Draw(t, "region")},
				SET:      rapid.SampledFrom([]location.SET{"", "a.b.c", "a.b.d"}).Draw(t, "set"), Healthy: rapid.Bool().Draw(t, "healthy"),
			}
			x.put(id, hosts[id], records[id])
		}
		for _, addr := range []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")} {
			var list []location.Record
			for id, host := range hosts {
				if at, ok := location.HostAddr(host); ok && at == addr {
					list = append(list, records[id])
				}
			}
			want := location.CommonFacts(list, nil)
			found, ok := x.Facts(addr)
			if ok != (len(list) > 0) || len(x.at(addr)) != len(list) {
				t.Fatalf("%s: known %t, %v, want %v", addr, ok, x.at(addr), list)
			}
			if ok && fmt.Sprint(found.Location, found.AllSETs()) != fmt.Sprint(want.Location, want.AllSETs()) {
				t.Fatalf("%s: %v, want %v", addr, found.Identity, want.Identity)
			}
			if slices.Contains(x.withSeveralSETs(), addr) != (len(want.SETs) > 0) {
				t.Fatalf("several SETs at %v, want %v at %s", x.withSeveralSETs(), want.SETs, addr)
			}
		}
	})
}

// Thousands of instances at one host cost what they cost at as many hosts.
func BenchmarkPut(b *testing.B) {
	for _, tt := range []struct {
		name string
		host func(n int) string
	}{
		{"one host", func(int) string { return "10.0.0.1" }},
		{"a host for each", func(n int) string { return netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}).String() }},
	} {
		b.Run(tt.name, func(b *testing.B) {
			for b.Loop() {
				x := newHostIndex(registryOrigin)
				for n := range 10_000 {
					x.put(fmt.Sprint(n), tt.host(n), living("a.b.c"))
				}
			}
		})
	}
}
