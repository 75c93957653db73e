package location

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// each returns a mapping with an entry for each number below n. In the entry, # is the
// number, and + the number after it.
func each(n int, entry string) string {
	var text strings.Builder
	text.WriteString("version: 1\nmappings:\n")
	for i := range n {
		text.WriteString("  - {" + strings.NewReplacer("#", fmt.Sprint(i), "+", fmt.Sprint(i+1)).Replace(entry) + "}\n")
	}
	return text.String()
}

// What a reload loses is counted by the addresses, not by the lines.
func TestLosses(t *testing.T) {
	const end = "; more than 30% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force"
	hosts := each(250, "match: 10.50.#.7, region: south, zone: sz, set: qb.novel.z")
	const hostsAndWide = "version: 1\nmappings:\n  - {match: 127.0.0.0/8, region: south, zone: sz}\n"
	bigPrefix := hostsAndWide + strings.TrimPrefix(each(200, "match: 10.9.0.#, region: south, zone: sz"), "version: 1\nmappings:\n")
	callers := []string{"127.0.0.1", "127.0.0.2", "::ffff:127.0.0.3"}
	for _, tt := range []struct {
		name          string
		before, after []string
		callers       []string
		gone          []string
		want          string
	}{
		{"the column of SETs", []string{"csv:match,region,set\n10.1.0.0/16,r,\n10.1.1.0/24,,a.b.c\n10.1.2.0/24,,a.b.d\n"}, []string{"csv:match,region\n10.1.0.0/16,r\n10.1.1.0/24,r\n10.1.2.0/24,r\n"}, nil, nil,
			"refused: 2 of 2 entries that say a SET would leave their addresses without one (100%), as a.csv:3 (10.1.1.0/24)" + end},
		{"the columns of places", []string{"csv:match,region,set\n10.1.0.0/16,r,\n10.1.1.0/24,,a.b.c\n10.1.2.0/24,r,a.b.d\n"}, []string{"csv:match,set\n10.1.1.0/24,a.b.c\n10.1.2.0/24,a.b.d\n10.1.0.0/16,a.b.e\n"}, nil, nil,
			"refused: 2 of 2 entries that say a place would leave their addresses without one (100%), as a.csv:2 (10.1.0.0/16)" + end},
		{"half of the file", []string{each(10, "match: 10.1.#.0/24, labels: {k: v}")}, []string{each(5, "match: 10.1.#.0/24, labels: {k: v}")}, nil, nil,
			"refused: 5 of 10 entries would leave their addresses without anything (50%), as a.yaml:8 (10.1.5.0/24)" + end},
		{"as many as may go", []string{each(10, "match: 10.1.#.0/24, set: a.b.c")}, []string{each(7, "match: 10.1.#.0/24, set: a.b.c")}, nil, nil, "<nil>"},
		{"hosts written as a prefix", []string{hosts}, []string{"version: 1\nmappings: [{match: 10.50.0.0/15, region: south, zone: sz, set: qb.novel.z}]\n"}, nil, nil, "<nil>"},
		{"hosts written as a prefix without a SET", []string{hosts}, []string{"version: 1\nmappings: [{match: 10.50.0.0/15, region: south, zone: sz}]\n"}, nil, nil,
			"refused: 250 of 250 entries that say a SET would leave their addresses without one (100%), as a.yaml:3 (10.50.0.7)" + end},
		{"hosts written as a prefix in another file", []string{each(1, "match: 192.0.2.#, region: r"), hosts},
			[]string{each(1, "match: 192.0.2.#, region: r") + "  - {match: 10.50.0.0/15, region: south, zone: sz, set: qb.novel.z}\n"}, nil, []string{"b.yaml"}, "<nil>"},
		{"a file that is gone with a few", []string{hosts, each(2, "match: 192.0.2.#, region: r")}, []string{hosts}, nil, []string{"b.yaml"},
			"b.yaml: is gone, and 2 entries with it; put it back, or if that is meant, setctl reload --force"},
		{"ranges written as prefixes", []string{each(20, "match: 10.9.#.1-10.9.#.254, region: south, zone: sz")}, []string{each(20, "match: 10.9.#.0/24, region: south, zone: sz")}, nil, nil, "<nil>"},
		{"ranges in ranges that become one", []string{each(9, "match: 10.9.#.1-10.9.#.254, region: south, zone: sz") + strings.TrimPrefix(each(9, "match: 10.9.#.128/26, set: a.b.c"), "version: 1\nmappings:\n")},
			[]string{"version: 1\nmappings: [{match: 10.9.0.0/16, region: south, zone: sz, set: a.b.d}]\n"}, nil, nil, "<nil>"},
		{"ranges in ranges, the wide ones gone", []string{each(9, "match: 10.9.#.128-10.9.#.254, region: south, zone: sz") + strings.TrimPrefix(each(9, "match: [10.9.#.128/26, 10.9.#.192-10.9.#.253], set: a.b.c"), "version: 1\nmappings:\n")},
			[]string{each(9, "match: [10.9.#.128/26, 10.9.#.192-10.9.#.253], set: a.b.c")}, nil, nil,
			"refused: 9 of 9 entries that say a place would leave their addresses without one (100%), as a.yaml:3 (10.9.0.128-10.9.0.254)" + end},
		{"the prefix of all callers, without callers", []string{bigPrefix}, []string{strings.Replace(bigPrefix, "127.0.0.0/8", "10.9.1.0", 1)}, nil, nil, "<nil>"},
		{"the prefix of all callers", []string{bigPrefix}, []string{strings.Replace(bigPrefix, "127.0.0.0/8", "10.9.1.0", 1)}, callers, nil,
			"refused: 3 of 3 callers seen lately would lose their SET, their place or everything (100%), as 127.0.0.1 the place of a.yaml:3 (127.0.0.0/8)" + end},
		{"the prefix of three callers of ten", []string{bigPrefix}, []string{strings.Replace(bigPrefix, "127.0.0.0/8", "10.9.1.0", 1)},
			append([]string{"192.0.2.1", "192.0.2.2", "10.9.0.1", "10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5"}, callers...), nil, "<nil>"},
		{"callers that nobody knew lose nothing", []string{bigPrefix}, []string{bigPrefix}, []string{"192.0.2.1"}, nil, "<nil>"},
		{"a caller's SET", []string{"version: 1\nmappings:\n  - {match: 127.0.0.0/8, region: r}\n  - {match: [127.0.0.1, 127.0.0.2], set: a.b.c}\n" + strings.TrimPrefix(each(9, "match: 10.9.0.#, set: a.b.c"), "version: 1\nmappings:\n")},
			[]string{"version: 1\nmappings:\n  - {match: 127.0.0.0/8, region: r}\n" + strings.TrimPrefix(each(9, "match: 10.9.0.#, set: a.b.c"), "version: 1\nmappings:\n")}, callers, nil,
			"refused: 2 of 3 callers seen lately would lose their SET, their place or everything (66.7%), as 127.0.0.1 the SET of a.yaml:4 (127.0.0.1, 127.0.0.2)" + end},
		{"a caller's labels", []string{each(2, "match: 10.1.#.0/24, labels: {k: v}") + "  - {match: 127.0.0.1, labels: {k: v}}\n  - {match: 127.0.0.2, region: r}\n"},
			[]string{each(2, "match: 10.1.#.0/24, labels: {k: v}") + "  - {match: 127.0.0.2, region: r}\n"}, []string{"127.0.0.1", "127.0.0.2"}, nil,
			"refused: 1 of 2 callers seen lately would lose their SET, their place or everything (50%), as 127.0.0.1 everything of a.yaml:5 (127.0.0.1)" + end},
		{"half of an entry's addresses", []string{each(1, "match: 10.1.0.0/24, set: a.b.c")}, []string{each(1, "match: 10.1.0.0/25, set: a.b.c")}, nil, nil, "<nil>"},
		{"one more than half", []string{each(1, "match: 10.1.0.0/24, set: a.b.c")}, []string{each(1, "match: 10.1.0.0-10.1.0.126, set: a.b.c")}, nil, nil,
			"refused: 1 of 1 entries that say a SET would leave their addresses without one (100%), as a.yaml:3 (10.1.0.0/24)" + end},
		{"all of IPv6", []string{each(1, `match: "::/0", region: r`)}, []string{each(1, "match: 0.0.0.0/0, region: r")}, nil, nil,
			"refused: 1 of 1 entries that say a place would leave their addresses without one (100%), as a.yaml:3 (::/0)" + end},
		{"all of IPv6, where narrower entries decide", []string{each(1, `match: ["::/0"], region: r`) + "  - {match: ['::/1', '8000::/1'], region: s}\n  - {match: 10.1.0.0/16, region: s}\n"},
			[]string{each(1, "match: ['::/1', '8000::/1'], region: s")}, nil, nil, "refused: 1 of 3 entries that say a place would leave their addresses without one (33.4%), as a.yaml:5 (10.1.0.0/16)" + end},
		{"a wide entry whose place the hosts inherit", []string{each(1, "match: 10.1.0.0/30, region: r") + "  - {match: [10.1.0.0/31, 10.1.0.2/31], set: a.b.c}\n"}, []string{each(1, "match: [10.1.0.0/31, 10.1.0.2/31], set: a.b.c")}, nil, nil,
			"refused: 1 of 1 entries that say a place would leave their addresses without one (100%), as a.yaml:3 (10.1.0.0/30)" + end},
		{"the default says it", []string{each(1, "match: 10.1.0.0/24, region: r")}, []string{"version: 1\nmappings: [{match: 10.2.0.0/24, region: r}]\ndefault: {region: r}\n"}, nil, nil,
			"refused: 1 of 1 entries that say a place would leave their addresses without one (100%), as a.yaml:3 (10.1.0.0/24)" + end},
		{"SETs become shared", []string{each(4, "match: 10.1.0.#, set: a.b.c")}, []string{each(4, "match: 10.1.0.#, shared: true")}, nil, nil,
			"refused: 4 of 4 entries that say a SET would leave their addresses without one (100%), as a.yaml:3 (10.1.0.0)" + end},
		{"another SET is no loss", []string{each(4, "match: 10.1.0.#, set: a.b.c")}, []string{each(4, "match: 10.1.0.#, set: x.y.z")}, nil, nil, "<nil>"},
		{"nothing was there", []string{"version: 1\n"}, []string{each(4, "match: 10.1.0.#, set: a.b.c")}, callers, nil, "<nil>"},
		{"nothing is there", []string{each(4, "match: 127.0.0.#, region: r, set: a.b.c")}, []string{"version: 1\n"}, callers, nil,
			"refused: 4 of 4 entries that say a SET would leave their addresses without one (100%), as a.yaml:3 (127.0.0.0); " +
				"3 of 3 callers seen lately would lose their SET, their place or everything (100%), as 127.0.0.1 the SET of a.yaml:4 (127.0.0.1)" + end},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old, fault := loadAll(tt.before...)
			next, otherFault := loadAll(tt.after...)
			if fault+otherFault != "" {
				t.Fatal(fault, otherFault)
			}
			var addrs []netip.Addr
			for _, c := range tt.callers {
				addrs = append(addrs, Normalize(netip.MustParseAddr(c)))
			}
			if got := fmt.Sprint(old.Losses(next, slices.Values(addrs)).Check(30, tt.gone)); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
	if got := (*Table)(nil).Losses(nil, nil).Check(0, nil); got != nil {
		t.Errorf("without tables: %v", got)
	}
}
