package xds

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/wire"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// instanceOf reads an instance as host:port, a weight, a place and words. Its id is the
// text before the first blank.
func instanceOf(text string) *apiservice.Instance {
	fields := strings.Fields(text)
	colon := strings.LastIndex(fields[0], ":")
	var port, weight uint32
	fmt.Sscan(fields[0][colon+1:], &port)
	fmt.Sscan(fields[1], &weight)
	place := append(strings.Split(fields[2], "/"), "", "")
	return &apiservice.Instance{
		Id: wrapperspb.String(fields[0]), Host: wrapperspb.String(fields[0][:colon]), Port: wrapperspb.UInt32(port), Weight: wrapperspb.UInt32(weight),
		Location: wire.ToProto(location.Location{Region: place[0], Zone: place[1], Campus: place[2]}),
		Healthy:  wrapperspb.Bool(!slices.Contains(fields, "dead")), Isolate: wrapperspb.Bool(slices.Contains(fields, "isolated")),
		Metadata: map[string]string{"k": "v"},
	}
}

func prioritiesOf(lists [][]string) (out []view.Priority) {
	for _, list := range lists {
		var p view.Priority
		for _, text := range list {
			p.Instances = append(p.Instances, instanceOf(text))
		}
		out = append(out, p)
	}
	return out
}

// textOf returns an assignment: the factor, and each locality with its priority, weight
// and endpoints.
func textOf(a *endpoint.ClusterLoadAssignment) string {
	out := []string{fmt.Sprint(a.GetPolicy().GetOverprovisioningFactor().GetValue())}
	for _, l := range a.Endpoints {
		text := fmt.Sprintf("%d %s/%s/%s %d:", l.Priority, l.Locality.Region, l.Locality.Zone, l.Locality.SubZone, l.LoadBalancingWeight.GetValue())
		for _, e := range l.LbEndpoints {
			at := e.GetEndpoint().GetAddress().GetSocketAddress()
			text += fmt.Sprintf(" %s:%d %d %s", at.GetAddress(), at.GetPortValue(), e.LoadBalancingWeight.GetValue(), strings.ToLower(e.HealthStatus.String()))
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func TestAssignment(t *testing.T) {
	for _, tt := range []struct {
		name       string
		priorities [][]string
		want       string
	}{
		{"roads", [][]string{{"10.0.0.1:80 100 r/z/c", "10.0.0.2:80 50 r/z/c", "10.0.0.3:81 100 r/y"}, {"10.0.0.4:80 7 q"}},
			"300; 0 r/y/ 100: 10.0.0.3:81 100 healthy; 0 r/z/c 150: 10.0.0.1:80 100 healthy 10.0.0.2:80 50 healthy; 1 q// 7: 10.0.0.4:80 7 healthy"},
		{"unhealthy ones do not count for gRPC's places", [][]string{{"10.0.0.1:80 100 a", "10.0.0.2:80 50 a dead", "10.0.0.3:80 70 b dead"}},
			"300; 0 a// 100: 10.0.0.1:80 100 healthy 10.0.0.2:80 50 unhealthy; 0 b// 70: 10.0.0.3:80 70 unhealthy"},
		{"a usable one behind", [][]string{{"10.0.0.1:80 100 a dead"}, {"10.0.0.2:80 100 a"}},
			"100; 0 a// 100: 10.0.0.1:80 100 unhealthy; 1 a// 100: 10.0.0.2:80 100 healthy"},
		{"nothing is usable", [][]string{{"10.0.0.1:80 100 a dead", "10.0.0.9:80 100 a isolated"}, {"10.0.0.2:80 100 a dead"}},
			"100; 0 a// 100: 10.0.0.1:80 100 unknown; 1 a// 100: 10.0.0.2:80 100 unknown"},
		{"a priority of which nothing goes out", [][]string{{"10.0.0.1:80 0 a", "host:80 100 a"}, {"10.0.0.2:80 100 a"}, {"10.0.0.3:80 100 a isolated"}},
			"100; 0 a// 100: 10.0.0.2:80 100 healthy"},
		{"IPv6, and no place", [][]string{{"[2001:db8::1]:80 100 /"}}, "100; 0 // 100: 2001:db8::1:80 100 healthy"},
		{"nothing goes out", [][]string{{"10.0.0.1:80 0 a"}}, "0"},
		{"nothing", nil, "0"},
		{"weights whose sum is too large", [][]string{{"10.0.0.1:80 4294967295 a", "10.0.0.2:80 4294967295 a"}, {"10.0.0.3:80 1 a"}},
			"200; 0 a// 1717986918: 10.0.0.1:80 858993459 healthy 10.0.0.2:80 858993459 healthy; 1 a// 1: 10.0.0.3:80 1 healthy"},
	} {
		a := newAssignment("OUTBOUND|default|s", prioritiesOf(tt.priorities), 0)
		if got := textOf(a); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
		if err := a.ValidateAll(); err != nil || a.ClusterName != "OUTBOUND|default|s" {
			t.Errorf("%s: %q: %v", tt.name, a.ClusterName, err)
		}
		for _, l := range a.Endpoints {
			if got := l.LbEndpoints[0].GetMetadata().GetFilterMetadata()["envoy.lb"].GetFields()["k"].GetStringValue(); got != "v" {
				t.Errorf("%s: the metadata have k: %q", tt.name, got)
			}
		}
	}
}

// The factor is overprovision, where a rule has it.
func TestOverprovision(t *testing.T) {
	lists := prioritiesOf([][]string{{"10.0.0.1:80 100 a", "10.0.0.2:80 100 a"}, {"10.0.0.3:80 100 a"}})
	for overprovision, want := range map[int]uint32{0: 200, 140: 140} {
		if got := newAssignment("c", lists, overprovision).Policy.OverprovisioningFactor.Value; got != want {
			t.Errorf("overprovision %d: factor %d, want %d", overprovision, got, want)
		}
	}
}

// More roads than Envoy knows priorities are one at the end.
func TestManyRoads(t *testing.T) {
	var lists [][]string
	for n := range 200 {
		lists = append(lists, []string{fmt.Sprintf("10.0.0.%d:80 100 a", n)})
	}
	a := newAssignment("c", prioritiesOf(lists), 0)
	last := a.Endpoints[len(a.Endpoints)-1]
	if len(a.Endpoints) != 128 || last.Priority != 127 || len(last.LbEndpoints) != 73 || a.Policy.OverprovisioningFactor.Value != 7300 || a.ValidateAll() != nil {
		t.Errorf("%d priorities, the last is %d with %d endpoints, factor %d, %v", len(a.Endpoints), last.Priority, len(last.LbEndpoints), a.Policy.OverprovisioningFactor.Value, a.ValidateAll())
	}
}

var someInstance = rapid.Custom(func(t *rapid.T) *apiservice.Instance {
	i := instanceOf(fmt.Sprintf("%s:%d %d %s %s %s",
		rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "::1", "name", "10.0.0.4", "::ffff:10.0.0.4"}).Draw(t, "host"), rapid.Uint32Range(80, 82).Draw(t, "port"),
		rapid.SampledFrom([]uint32{0, 1, 100, 100, math.MaxUint32}).Draw(t, "weight"), rapid.SampledFrom([]string{"a", "a/b", "a/b/c", "d"}).Draw(t, "place"),
		rapid.SampledFrom([]string{"", "", "dead"}).Draw(t, "health"), rapid.SampledFrom([]string{"", "", "isolated"}).Draw(t, "isolate")))
	i.Id = wrapperspb.String(fmt.Sprint(rapid.IntRange(0, 1_000_000).Draw(t, "id")))
	return i
})

// Whatever is registered: clients take the assignment, and it has each instance that is in
// service once, in its priority or before, with the health that is said of it.
func TestAssignmentIsTaken(t *testing.T) { rapid.Check(t, assignmentIsTaken) }

func assignmentIsTaken(t *rapid.T) {
	lists := rapid.SliceOfN(rapid.SliceOfN(someInstance, 1, 6), 0, 5).Draw(t, "priorities")
	var priorities []view.Priority
	usable, hosts := false, map[netip.AddrPort]int{} // the last priority of each that goes out
	for n, list := range lists {
		priorities = append(priorities, view.Priority{Instances: list})
		for _, i := range list {
			addr, err := netip.ParseAddr(i.GetHost().GetValue())
			if err == nil && !i.GetIsolate().GetValue() && i.GetWeight().GetValue() > 0 {
				hosts[netip.AddrPortFrom(addr.Unmap(), uint16(i.GetPort().GetValue()))] = n
			}
		}
	}
	a := newAssignment("c", priorities, 0)
	if err := a.ValidateAll(); err != nil {
		t.Fatal(err)
	}
	if again := newAssignment("c", priorities, 0); !proto.Equal(a, again) {
		t.Fatalf("%s\nand then %s", textOf(a), textOf(again))
	}
	last, places, sent := uint32(0), map[string]bool{}, map[netip.AddrPort]bool{}
	sums := map[uint32]uint64{}
	for n, l := range a.Endpoints {
		if n == 0 && l.Priority != 0 || l.Priority > last+1 || l.Priority < last {
			t.Fatalf("priorities have a gap: %s", textOf(a))
		}
		last = l.Priority
		place := fmt.Sprint(l.Priority, l.Locality)
		sums[l.Priority] += uint64(l.LoadBalancingWeight.GetValue())
		if places[place] || len(l.LbEndpoints) == 0 || l.LoadBalancingWeight.GetValue() == 0 || sums[l.Priority] > math.MaxUint32 {
			t.Fatalf("%s is twice or has nothing: %s", place, textOf(a))
		}
		places[place] = true
		for _, e := range l.LbEndpoints {
			at := e.GetEndpoint().GetAddress().GetSocketAddress()
			addr := netip.AddrPortFrom(netip.MustParseAddr(at.GetAddress()), uint16(at.GetPortValue()))
			if _, ok := hosts[addr]; !ok || sent[addr] {
				t.Fatalf("%s is there twice or not to be there: %s", addr, textOf(a))
			}
			sent[addr] = true
			usable = usable || e.HealthStatus.String() == "HEALTHY"
		}
	}
	if len(sent) != len(hosts) {
		t.Fatalf("%d of %d go out: %s", len(sent), len(hosts), textOf(a))
	}
	if text := textOf(a); usable == strings.Contains(text, "unknown") && len(sent) > 0 {
		t.Fatalf("usable %t: %s", usable, text)
	}
}
