package location

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"go4.org/netipx"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
)

// The properties of the rapid tests, with inputs that the fuzzer chooses.

func FuzzLookup(f *testing.F) {
	fuzztest.AddNoise(f, 6000)
	f.Fuzz(rapid.MakeFuzz(lookupAgreesWithOracle))
}

func FuzzOrigins(f *testing.F) {
	fuzztest.AddNoise(f, 6000)
	f.Fuzz(rapid.MakeFuzz(originsAgreeWithNames))
}

// FuzzLoadMapping reads mapping files in YAML.
func FuzzLoadMapping(f *testing.F) {
	for _, text := range fuzztest.Texts(f, "build/conf/mapping/*.yaml", "testdata/*/mapping.yaml", "testdata/tutorial/*/sets.yaml") {
		f.Add(text)
	}
	f.Add("version: 1\ntopology: {a: {b: [c]}}\nmappings: [{match: [10.0.0.0/8, 10.0.0.1-10.0.0.9], region: a, labels: {x: y}}]\ndefault: {set: a.b.*}")
	f.Add("version: 1\nmappings: [{match: \"::/0\", shared: true}, {match: fd00::1, set: a.b.c}]")
	f.Fuzz(func(t *testing.T, text string) { checkMapping(t, strict.File{Name: "f.yaml", Data: []byte(text)}) })
}

// FuzzLoadCSV reads mapping files in CSV.
func FuzzLoadCSV(f *testing.F) {
	for _, text := range fuzztest.Texts(f, "build/conf/mapping/*.csv") {
		f.Add(text)
	}
	f.Add("match,region,zone,campus,set,label.x\n10.0.0.1,r,z,c,a.b.c,v\n")
	f.Add("\xef\xbb\xbfmatch, region,shared\n# comment\n\"10.7.0.0/16\",r7,true\n10.0.0.1-10.0.0.9,r,\n")
	f.Fuzz(func(t *testing.T, text string) { checkMapping(t, strict.File{Name: "f.csv", Data: []byte(text)}) })
}

// checkMapping loads a file twice, and looks up addresses.
func checkMapping(t *testing.T, file strict.File) {
	if many := strings.Count(string(file.Data), "-"); many > 20 {
		t.Skip("ranges are many prefixes each")
	}
	var problems, again strict.Problems
	var table *Table
	fuzztest.Bounded(t, len(file.Data), func() { table = LoadMapping([]strict.File{file}, &problems) })
	fuzztest.Problems(t, file.Data, problems.List())
	if (table == nil) != (problems.Err() != nil) {
		t.Fatalf("table %v beside %v", table, problems.Err())
	}
	same := LoadMapping([]strict.File{file}, &again)
	if !reflect.DeepEqual(problems.List(), again.List()) {
		t.Fatalf("once %v, then %v", problems.List(), again.List())
	}
	if table == nil {
		return
	}
	if a, b := fmt.Sprint(table.identities, table.fallback.Identity), fmt.Sprint(same.identities, same.fallback.Identity); a != b {
		t.Fatalf("once %s, then %s", a, b)
	}
	checkTable(t, table, file)
}

// row is a prefix of a table, with what holds for it.
type row struct {
	prefix netip.Prefix
	found  Found
}

// checkTable compares lookups with a walk along all prefixes.
func checkTable(t *testing.T, table *Table, file strict.File) {
	var rows []row
	for prefix, found := range table.All() {
		rows = append(rows, row{prefix, found})
	}
	if table.Len() != len(table.rows) || len(rows) > 0 && table.Len() == 0 {
		t.Errorf("%d entries of %d prefixes, Len is %d", len(table.rows), len(rows), table.Len())
	}
	for _, r := range rows[:min(len(rows), 50)] {
		checkRow(t, r, file)
		first, last := r.prefix.Addr(), netipx.PrefixLastIP(r.prefix)
		for _, addr := range []netip.Addr{first, first.Prev(), last, last.Next(), netip.AddrFrom16(first.As16())} {
			if !addr.IsValid() {
				continue
			}
			want, wantOK := longest(rows, addr.Unmap())
			got, ok := table.Lookup(addr)
			if ok != wantOK || ok && fmt.Sprint(got.Facts()) != fmt.Sprint(want.found.Facts()) {
				t.Errorf("%s: %v %t, want %v %t", addr, got, ok, want, wantOK)
			}
		}
		if addr, ok := table.AddrOf(r.prefix); ok {
			if best, _ := longest(rows, addr); best.prefix != r.prefix {
				t.Errorf("%s stands for %s, and is in %s", addr, r.prefix, best.prefix)
			}
		}
	}
}

func longest(rows []row, addr netip.Addr) (best row, ok bool) {
	for _, r := range rows {
		if r.prefix.Contains(addr) && (!ok || r.prefix.Bits() > best.prefix.Bits()) {
			best, ok = r, true
		}
	}
	return best, ok
}

func checkRow(t *testing.T, r row, file strict.File) {
	f := r.found.Facts()
	if _, err := ParseSET(string(f.SET)); f.SET != "" && err != nil {
		t.Error(err)
	}
	if f.Shared != nil && (f.SET != "" || len(f.Labels) > 0) {
		t.Errorf("%s is shared, and has %s %v", r.prefix, f.SET, f.Labels)
	}
	if r.prefix != r.prefix.Masked() || r.prefix.Addr().Is4In6() {
		t.Errorf("prefix %s", r.prefix)
	}
	for key := range f.Labels {
		checkOrigin(t, f.LabelFrom(key), true, file)
	}
	for origin, known := range map[*Origin]bool{f.RegionFrom: f.Region != "", f.ZoneFrom: f.Zone != "", f.CampusFrom: f.Campus != "", f.SETFrom: f.SET != ""} {
		checkOrigin(t, origin, known, file)
	}
}

// checkOrigin checks that a known fact has an origin, and that an origin is a line
// of the file.
func checkOrigin(t *testing.T, origin *Origin, known bool, file strict.File) {
	if known && origin == nil {
		t.Error("a fact without an origin")
	}
	if origin != nil && (origin.File != file.Name || origin.Line < 1 || origin.Line > fuzztest.LinesIn(file.Data)) {
		t.Errorf("from %v", origin)
	}
}

// FuzzParseMatch reads addresses, prefixes and ranges.
func FuzzParseMatch(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "10.0.0.0/8", "10.0.0.1-10.0.0.9", "::ffff:10.0.0.0/112", "fe80::1%eth0", "::/0", "fd00:: - fd00::9", "[::1]", "[fd00::]/8", "fe80::%eth0/64", "10.1.*.*", "::ffff:10.1.0.0/16", "fe80::1%br-0", "fe80::%br-0/64"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		prefixes, err := ParseMatch(s)
		if (len(prefixes) == 0) != (err != nil) {
			t.Fatalf("%v, %v", prefixes, err)
		}
		if err != nil {
			fuzztest.Printable(t, err.Error())
			return
		}
		for n, p := range prefixes {
			if p != p.Masked() || !p.IsValid() || p.Addr().Is4In6() {
				t.Fatalf("prefix %v", p)
			}
			// Together they are one run of addresses, without a gap.
			if n > 0 && netipx.PrefixLastIP(prefixes[n-1]).Next() != p.Addr() {
				t.Fatalf("%v do not follow each other", prefixes)
			}
		}
		first, last, ok := strings.Cut(s, "-")
		if _, isAddr := HostAddr(s); !ok || isAddr || strings.Contains(s, "/") {
			return // a zone id can have a "-"
		}
		bare := strings.NewReplacer("[", "", "]", "")
		from, to := Normalize(netip.MustParseAddr(bare.Replace(strings.TrimSpace(first)))), Normalize(netip.MustParseAddr(bare.Replace(strings.TrimSpace(last))))
		if prefixes[0].Addr() != from || netipx.PrefixLastIP(prefixes[len(prefixes)-1]) != to {
			t.Fatalf("%v, want %s to %s", prefixes, from, to)
		}
	})
}

// FuzzParseSET reads SET names.
func FuzzParseSET(f *testing.F) {
	for _, s := range []string{"a.b.c", "qb.novel.*", "a.b", "*.b.c", "a..c"} {
		f.Add(s, "a.b.c")
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		set, err := ParseSET(text)
		if err != nil {
			fuzztest.Printable(t, err.Error())
		} else {
			if again, err := ParseSET(string(set)); again != set || err != nil || string(set) != text {
				t.Errorf("%q, then %q, %v", set, again, err)
			}
			if set.Segment(1)+"."+set.Segment(2)+"."+set.Segment(3) != text || set.IsPool() != (set.Segment(3) == "*") ||
				set.Pool() != SET(set.AreaPrefix()+"*") || set.BusinessPrefix() != set.Segment(1)+"." {
				t.Errorf("%q has the segments %q %q %q", set, set.Segment(1), set.Segment(2), set.Segment(3))
			}
		}
		// A registered name that is not a SET name gives no SET.
		facts, ignored := Registered(Location{}, map[string]string{MetaSetName: text, MetaSetGroup: other, MetaSetEnable: "y"})
		if text != "" && err != nil && (len(ignored) == 0 || ignored[0].Name != text) {
			t.Errorf("%q and %q: %q, ignored %q", text, other, facts.SET, ignored)
		}
		for _, name := range ignored {
			fuzztest.Printable(t, name.Why)
		}
		if _, err := ParseSET(string(facts.SET)); facts.SET != "" && err != nil {
			t.Error(err)
		}
	})
}

// FuzzCallerAddr asks who is behind proxies.
func FuzzCallerAddr(f *testing.F) {
	f.Add("10.0.0.1, 2.2.2.2", "3.3.3.3", "[::1]:80", true)
	f.Add("2.2.2.2, evil", "10.0.0.3:80", "", true)
	f.Add("", "", "10.1.1.1", false)
	f.Fuzz(func(t *testing.T, first, second, realIP string, forwarded bool) {
		outside, proxy := netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("::ffff:10.0.0.1")
		var lines []string
		if forwarded {
			lines = []string{first, second}
		}
		ask := func(peer netip.Addr, header string, lines []string) (netip.Addr, Untold) {
			return Proxies{[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, header}.Caller(peer, func(name string) []string {
				return map[string][]string{HeaderForwardedFor: lines, HeaderRealIP: {realIP}}[name]
			})
		}
		if got, why := ask(outside, "", lines); got != outside || why != "" {
			t.Fatalf("an untrusted peer became %s, %s", got, why)
		}
		got, why := ask(proxy, HeaderForwardedFor, lines)
		if want := oracleCaller(lines); got != want || got != Normalize(got) || got.IsValid() != (why == "") {
			t.Fatalf("%q: %s %s, want %s", lines, got, why, want)
		}
		if got, _ := ask(proxy, HeaderRealIP, lines); got != oracleCaller([]string{realIP}) {
			t.Fatalf("%q by %q: %s", lines, realIP, got)
		}
		// What stands to the left of the last address that is not a proxy changes nothing.
		if again, _ := ask(proxy, "", append([]string{"6.6.6.6, evil"}, lines...)); forwarded && again != got && !netip.MustParsePrefix("10.0.0.0/8").Contains(got) {
			t.Fatalf("%q: %s, and %s with more before it", lines, got, again)
		}
	})
}

// oracleCaller is the caller behind the proxy 10.0.0.1: of the addresses in
// their order, from the last, the first that is no proxy. It is invalid where an
// address cannot be read before that, and without any.
func oracleCaller(lines []string) (caller netip.Addr) {
	var hops []string
	for _, line := range lines {
		hops = append(hops, strings.Split(line, ",")...)
	}
	for n := len(hops) - 1; n >= 0 && (!caller.IsValid() || strings.HasPrefix(caller.String(), "10.")); n-- {
		hop := strings.TrimSpace(hops[n])
		addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]"))
		if addrPort, portErr := netip.ParseAddrPort(hop); portErr == nil {
			addr, err = addrPort.Addr(), nil
		}
		if err != nil {
			return netip.Addr{}
		}
		caller = addr.Unmap().WithZone("")
	}
	return caller
}
