package location

import (
	"fmt"
	"net/netip"
	"testing"
)

type fixed struct {
	f *Facts
}

func (s fixed) Facts(netip.Addr) (Found, bool) {
	if s.f == nil {
		return Found{}, false
	}
	return s.f.Found(), true
}

func facts(region, zone, campus string, set SET, labels ...string) *Facts {
	f := &Facts{Identity: Identity{Location: Location{region, zone, campus}, SET: set}}
	for i := 0; i < len(labels); i += 2 {
		if f.Labels == nil {
			f.Labels, f.LabelsFrom = map[string]string{}, map[string]*Origin{}
		}
		f.Labels[labels[i]] = labels[i+1]
	}
	return f
}

func several(sets ...SET) *Facts {
	f := CommonFacts([]Record{{SET: sets[0]}, {SET: sets[1]}}, &Origin{Source: SourceRegistry})
	return &f
}

func sharedAddr(region string) *Facts {
	f := facts(region, "", "", "")
	f.Shared = &Origin{}
	return f
}

func TestCaller(t *testing.T) {
	tests := []struct {
		name     string
		sources  []*Facts
		fallback Found
		want     string
	}{
		{"the first that knows the SET gives it", []*Facts{facts("", "", "", ""), nil, facts("", "", "", "a.b.c"), facts("", "", "", "a.b.d")}, noFacts, " a.b.c map[]"},
		{"a later source refines", []*Facts{facts("r", "", "", ""), facts("r", "z", "", ""), facts("r", "z", "c", "")}, noFacts, "r/z/c  map[]"},
		{"and never contradicts", []*Facts{facts("r", "z", "", ""), facts("r", "y", "c", ""), facts("q", "z", "c", "")}, noFacts, "r/z  map[]"},
		{"one that knows less adds nothing", []*Facts{facts("r", "z", "", ""), facts("r", "", "", "")}, noFacts, "r/z  map[]"},
		{"labels key by key", []*Facts{facts("", "", "", "", "k", "1"), facts("", "", "", "", "k", "2", "l", "2")}, noFacts, "  map[k:1 l:2]"},
		{"a shared address has no SET and no labels, but a location", []*Facts{sharedAddr("r"), facts("r", "z", "", "a.b.c", "k", "1")}, facts("", "", "", "d.d.d").Found(), "r/z  map[]"},
		{"also where another source comes first", []*Facts{facts("r", "", "", "a.b.c", "k", "1"), sharedAddr("")}, noFacts, "r  map[]"},
		{"several SETs of the first that knows any", []*Facts{facts("", "", "", ""), several("a.b.c", "a.b.d"), facts("", "", "", "a.b.e")}, noFacts, " [a.b.c a.b.d] map[]"},
		{"one SET before several", []*Facts{facts("", "", "", "a.b.e"), several("a.b.c", "a.b.d")}, noFacts, " a.b.e map[]"},
		{"several SETs before the default", []*Facts{several("a.b.c", "a.b.d")}, facts("", "", "", "d.d.d").Found(), " [a.b.c a.b.d] map[]"},
		{"a shared address has none of several SETs", []*Facts{sharedAddr("r"), several("a.b.c", "a.b.d")}, noFacts, "r  map[]"},
		{"also where another source comes first with several", []*Facts{several("a.b.c", "a.b.d"), sharedAddr("")}, noFacts, "  map[]"},
		{"the default comes last", []*Facts{facts("r", "", "", "")}, facts("d", "", "", "d.d.d").Found(), "r d.d.d map[]"},
		{"the location of the default counts as one", []*Facts{facts("r", "", "", "")}, facts("r", "z", "", "a.b.c", "k", "1").Found(), "r a.b.c map[k:1]"},
		{"where nothing of the location is known, it is the default's", []*Facts{facts("", "", "", "a.b.c")}, facts("r", "z", "", "").Found(), "r/z a.b.c map[]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Resolver{Default: tt.fallback}
			for _, f := range tt.sources {
				r.Sources = append(r.Sources, fixed{f})
			}
			got := r.Caller(netip.MustParseAddr("10.0.0.1"))
			sets := " " + string(got.SET)
			if len(got.SETs) > 0 {
				sets += fmt.Sprint(got.SETs)
			}
			if s := fmt.Sprintf("%s%s %v", got.Location, sets, got.Labels); s != tt.want {
				t.Errorf("%q, want %q", s, tt.want)
			}
		})
	}
	if got := (Resolver{Sources: []Source{fixed{facts("r", "", "", "")}}, Default: noFacts}).Caller(netip.Addr{}); got.Region != "" {
		t.Error("a caller without an address is known")
	}
}

func TestJoinLeavesSharedLabelsAlone(t *testing.T) {
	shared := facts("", "", "", "", "k", "1")
	f := *shared
	f.Join(facts("", "", "", "", "l", "2").Found())
	if len(shared.Labels) != 1 {
		t.Errorf("shared labels are now %v", shared.Labels)
	}
}

// That callers share a host does not matter to an instance there: it has the SET
// that it registered.
func TestInstanceOnASharedHost(t *testing.T) {
	table, fault := loadAll("version: 1\nmappings: [{match: 10.0.0.1, region: r, shared: true}]")
	if fault != "" {
		t.Fatal(fault)
	}
	if got := (Hosts{Table: table}).Instance("10.0.0.1", facts("", "", "", "a.b.c")); got.SET != "a.b.c" || got.Region != "r" {
		t.Errorf("%+v", got.Identity)
	}
}

// Pods come between the mapping and the registration, or before the mapping; a
// node's address leaves the instance what the mapping says.
func TestInstanceOfAPod(t *testing.T) {
	table, fault := loadAll("csv:match,region,zone,set\n10.0.0.1,r,,a.b.mapped\n10.0.0.2,r,,\n")
	if fault != "" {
		t.Fatal(fault)
	}
	shared := facts("r", "z", "", "")
	shared.Shared = &Origin{Source: SourceKubernetes}
	pods := podsByAddr{"10.0.0.1": facts("r", "z", "", "a.b.pod"), "10.0.0.2": facts("r", "z", "", "a.b.pod"), "10.0.0.3": shared}
	for _, tt := range []struct {
		host  string
		first bool
		want  string
	}{
		{"10.0.0.1", false, "a.b.mapped r/z"},
		{"10.0.0.1", true, "a.b.pod r/z"},
		{"10.0.0.2", false, "a.b.pod r/z"},
		{"::ffff:10.0.0.2", false, "a.b.pod r/z"},
		{"[::ffff:10.0.0.2]", false, "a.b.pod r/z"},
		{"[10.0.0.2", false, "a.b.registered q"},
		{"10.0.0.3", false, "a.b.registered r/z"},
		{"10.0.0.4", false, "a.b.registered q"},
		{"a-host", true, "a.b.registered q"},
	} {
		got := Hosts{Table: table, Pods: pods, PodsFirst: tt.first}.Instance(tt.host, facts("q", "", "", "a.b.registered"))
		if s := string(got.SET) + " " + got.Location.String(); s != tt.want {
			t.Errorf("%s, pods first %t: %s, want %s", tt.host, tt.first, s, tt.want)
		}
	}
}

type podsByAddr map[string]*Facts

func (p podsByAddr) Facts(addr netip.Addr) (Found, bool) { return fixed{p[addr.String()]}.Facts(addr) }

func TestAddrOf(t *testing.T) {
	table, fault := loadAll("csv:match,set\n10.0.0.0/16,a.b.c\n10.0.0.0/24,a.b.d\n10.0.0.0/25,a.b.e\n10.0.1.0/24,a.b.f\n10.9.0.0/31,a.b.g\n10.9.0.0/32,a.b.h\n10.9.0.1/32,a.b.i\n255.255.255.255/32,a.b.j\n")
	if fault != "" {
		t.Fatal(fault)
	}
	for prefix, want := range map[string]string{
		"10.0.0.0/16": "10.0.2.0", "10.0.0.0/24": "10.0.0.128", "10.0.0.0/25": "10.0.0.0", "10.9.0.0/31": "none", "255.255.255.255/32": "255.255.255.255",
	} {
		got := "none"
		if addr, ok := table.AddrOf(netip.MustParsePrefix(prefix)); ok {
			got = addr.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", prefix, got, want)
		}
	}
}
