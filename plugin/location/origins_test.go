package location

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Every name in these files ends with the number of its line, so that each fact
// says what its origin must be.
func TestOriginsAgreeWithNames(t *testing.T) { rapid.Check(t, originsAgreeWithNames) }

func originsAgreeWithNames(t *rapid.T) {
	text := strings.Builder{}
	text.WriteString("version: 1\nmappings:\n")
	text.WriteString("  - {match: [0.0.0.0/0, '::/0'], region: r-3}\n") // for entries with a zone alone
	prefixes := rapid.SliceOfNDistinct(somePrefix, 1, 12, rapid.ID[netip.Prefix]).Draw(t, "prefixes")
	byLine := map[int]string{3: "0.0.0.0/0, ::/0"}
	for _, p := range prefixes {
		if p.Bits() == 0 {
			continue
		}
		line := strings.Count(text.String(), "\n") + 1
		byLine[line] = p.String()
		fmt.Fprintf(&text, "  - {match: %q, %s}\n", p, saysItsLine(t, line))
	}
	table, fault := loadAll(text.String())
	if fault != "" {
		t.Fatalf("%s\n%s", fault, text.String())
	}
	found, ok := table.Lookup(somePrefix.Draw(t, "addr").Addr())
	if !ok {
		return
	}
	copied, joined, merged := found.Facts(), Facts{}, *facts("", "", "", "", "first", "")
	joined.Join(found)
	merged.Join(found)
	delete(merged.Labels, "first")
	for _, f := range []Facts{copied, joined, merged} {
		checkOrigins(t, &f, byLine, text.String())
	}
}

func checkOrigins(t *rapid.T, f *Facts, byLine map[int]string, text string) {
	names := map[string]*Origin{f.Region: f.RegionFrom, f.Zone: f.ZoneFrom, f.Campus: f.CampusFrom, string(f.SET): f.SETFrom}
	for key, value := range f.Labels {
		names[value] = f.LabelFrom(key)
	}
	delete(names, "")
	for name, origin := range names {
		var line int
		fmt.Sscanf(name[strings.LastIndexByte(name, '-')+1:], "%d", &line)
		want := fmt.Sprintf("mapping a.yaml:%d (%s)", line, byLine[line])
		if origin.String() != want {
			t.Fatalf("%q is from %q, want %q\n%s", name, origin, want, text)
		}
	}
}

func TestOriginOfShared(t *testing.T) {
	table, fault := loadAll("version: 1\nmappings:\n  - {match: 10.0.0.0/8, shared: true}\n  - {match: 10.1.0.0/16, region: r}\n  - {match: 10.2.0.0/16, shared: true}\n")
	if fault != "" {
		t.Fatal(fault)
	}
	for addr, want := range map[string]int{"10.0.0.1": 3, "10.1.0.1": 3, "10.2.0.1": 5} {
		found, _ := table.LookupHost(addr)
		copied, joined := found.Facts(), Facts{}
		joined.Join(found)
		if line(copied.Shared) != want || line(joined.Shared) != want {
			t.Errorf("%s: shared from %v and %v, want line %d", addr, copied.Shared, joined.Shared, want)
		}
	}
}

// saysItsLine draws the facts of an entry. Their names end with the line.
func saysItsLine(t *rapid.T, line int) string {
	location := rapid.SampledFrom([]string{"", "region: r-%d", "region: r-%d, zone: z-%[1]d, campus: c-%[1]d", "zone: z-%d", "zone: z-%d, campus: c-%[1]d"}).Draw(t, "location")
	rest := rapid.SampledFrom([]string{"set: a.b.g-%d", "labels: {k: k-%d}", "set: a.b.g-%d, labels: {k: k-%[1]d, l: l-%[1]d}"}).Draw(t, "rest")
	if location == "" {
		return fmt.Sprintf(rest, line)
	}
	if rapid.Bool().Draw(t, "location only") {
		return fmt.Sprintf(location, line)
	}
	return fmt.Sprintf(location, line) + ", " + fmt.Sprintf(rest, line)
}
