package caller

import (
	"net/netip"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

func TestHostIndex(t *testing.T) {
	x := newHostIndex()
	addr, other := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	known := func(addr netip.Addr) string {
		f, ok := x.Facts(addr)
		if !ok {
			return "unknown"
		}
		return string(f.SET)
	}
	set := func(s location.SET) location.Facts { return location.Facts{Identity: location.Identity{SET: s}} }
	steps := []struct {
		name string
		do   func()
		want string // of addr, of other
	}{
		{"put", func() { x.put("1", addr, set("a.b.c")) }, "a.b.c unknown"},
		{"another record", func() { x.put("2", addr, set("a.b.d")) }, " unknown"},
		{"it moves", func() { x.put("2", other, set("a.b.d")) }, "a.b.c a.b.d"},
		{"it changes", func() { x.put("1", addr, set("a.b.e")) }, "a.b.e a.b.d"},
		{"removed", func() { x.remove("1"); x.remove("1") }, "unknown a.b.d"},
		{"all removed", func() { x.remove("2") }, "unknown unknown"},
	}
	for _, step := range steps {
		step.do()
		if got := known(addr) + " " + known(other); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
	if len(x.facts) != 0 || len(x.hosts) != 0 {
		t.Error("removed records leave something behind")
	}
}
