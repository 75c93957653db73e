package location

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// loadAll names the files a.yaml, b.yaml, ... and those that start with a CSV
// header a.csv, ...
func loadAll(texts ...string) (*Table, string) {
	var problems strict.Problems
	table := LoadMapping(filesOf(texts), &problems)
	if err := problems.Err(); err != nil {
		return table, err.Error()
	}
	return table, ""
}

func filesOf(texts []string) (files []strict.File) {
	for i, text := range texts {
		ending := ".yaml"
		if strings.HasPrefix(text, "csv:") {
			ending, text = ".csv", strings.TrimPrefix(text, "csv:")
		}
		files = append(files, strict.File{Name: string(rune('a'+i)) + ending, Data: []byte(text)})
	}
	return files
}

func TestLoadMappingRefuses(t *testing.T) {
	one := func(entry string) string { return "version: 1\nmappings:\n  - {" + entry + "}\n" }
	const topology = "version: 1\ntopology:\n  south: {sz: [sz-2], gz: []}\n  east: {nj: [nj-4]}\n"
	tests := []struct {
		name string
		in   []string
		want string
	}{
		{"empty", []string{" \n"}, `a.yaml: is empty; delete the file or give it content`},
		{"not UTF-8", []string{"version: \xff"}, `a.yaml: is not UTF-8 text; save it as UTF-8`},
		{"a list", []string{"- a"}, `a.yaml:1:1: found a list, expected keys and values`},
		{"unknown key", []string{one("match: 10.0.0.1, regoin: r")}, `a.yaml:3:23: unknown key "regoin"; did you mean "region"?`},
		{"unknown top key", []string{"version: 1\nmapping: []"}, `a.yaml:2:1: unknown key "mapping"; did you mean "mappings"?`},
		{"second document", []string{one("match: 10.0.0.1, region: r") + "---\n"}, `a.yaml:4:1: a second YAML document starts here, expected one document in a file; move it to a file of its own`},
		{"no match", []string{one("region: r")}, `a.yaml:3:5: the entry has no match, expected match: an address, a prefix, a range, or a list of those`},
		{"empty match", []string{one("match: [], region: r")}, `a.yaml:3:13: match names no address, expected an address, a prefix, a range, or a list of those`},
		{"says nothing", []string{one("match: 10.0.0.1")}, `a.yaml:3:5: the entry says nothing of its addresses, expected region, zone, campus, set, labels or shared`},
		{"bad address", []string{one("match: 10.0.0.256, region: r")}, `a.yaml:3:13: "10.0.0.256" is not an address, expected an IP, a CIDR prefix or a range a-b`},
		{"bad prefix", []string{one("match: 10.0.0.0/33, region: r")}, `a.yaml:3:13: "10.0.0.0/33" is not a prefix, expected address/bits, as 10.1.0.0/16 or fd00::/8`},
		{"host bits", []string{one("match: 10.1.2.3/16, region: r")}, `a.yaml:3:13: prefix "10.1.2.3/16" has host bits set; did you mean "10.1.0.0/16"?`},
		{"host bits of a mapped prefix", []string{one(`match: "::ffff:10.1.2.3/112", region: r`)}, `a.yaml:3:13: prefix "::ffff:10.1.2.3/112" has host bits set; did you mean "10.1.0.0/16"?`},
		{"mapped prefix written short", []string{one(`match: "::ffff:10.1.0.0/16", region: r`)}, `a.yaml:3:13: prefix "::ffff:10.1.0.0/16" is of IPv4-mapped addresses, and is written short; did you mean "10.1.0.0/16"?`},
		{"mapped prefix that is too wide", []string{one(`match: "::ffff:0:0/64", region: r`)}, `a.yaml:3:13: prefix "::ffff:0:0/64" is wider than the IPv4-mapped addresses, expected /96 to /128`},
		{"star for an octet", []string{one("match: 172.25.0.*, region: r")}, `a.yaml:3:13: "172.25.0.*" is not an address; did you mean "172.25.0.0/24"?`},
		{"stars for octets", []string{one("match: 172.25.*.*, region: r")}, `a.yaml:3:13: "172.25.*.*" is not an address; did you mean "172.25.0.0/16"?`},
		{"star for the rest", []string{one("match: 172.*, region: r")}, `a.yaml:3:13: "172.*" is not an address; did you mean "172.0.0.0/8"?`},
		{"star amid", []string{one("match: 172.*.1.2, region: r")}, `a.yaml:3:13: "172.*.1.2" is not an address, expected an IP, a CIDR prefix or a range a-b`},
		{"star amid and at the end", []string{one("match: 172.*.1.*, region: r")}, `a.yaml:3:13: "172.*.1.*" is not an address, expected an IP, a CIDR prefix or a range a-b`},
		{"reversed range", []string{one("match: 10.0.0.9-10.0.0.1, region: r")}, `a.yaml:3:13: range "10.0.0.9-10.0.0.1" is reversed; did you mean "10.0.0.1-10.0.0.9"?`},
		{"range over families", []string{one(`match: "10.0.0.9-fd00::1", region: r`)}, `a.yaml:3:13: range "10.0.0.9-fd00::1" goes from IPv4 to IPv6, expected both of one kind`},
		{"half a range", []string{one("match: 10.0.0.9-, region: r")}, `a.yaml:3:13: "10.0.0.9-" is not a range, expected two addresses, as 10.1.7.4-10.1.7.9`},
		{"SET of two segments", []string{one("match: 10.0.0.1, set: a.b")}, `a.yaml:3:28: SET name "a.b" has 2 segments, expected three: business.area.group`},
		{"SET with a bad letter", []string{one("match: 10.0.0.1, set: a.b.c d")}, `a.yaml:3:28: SET name "a.b.c d": segment "c d" is not 1 to 64 letters, digits, '_' or '-'`},
		{"a number for a name", []string{one("match: 10.0.0.1, zone: 7")}, `a.yaml:3:29: found "7", expected a text; put it in quotes: "7"`},
		{"nothing for a name", []string{one("match: 10.0.0.1, zone: ")}, `a.yaml:3:29: found nothing, expected a text`},
		{"campus without zone", []string{one("match: 10.0.0.1, region: r, campus: c")}, `a.yaml:3:5: campus "c" has a region but no zone beside it, expected a zone too: an entry with a region inherits none`},
		{"prefix twice", []string{one("match: 10.0.0.0/24, region: r"), "\n" + one("match: [10.1.0.0/24, 10.0.0.0/24], region: s")}, `b.yaml:4:27: prefix "10.0.0.0/24" is given twice with different content, first in a.yaml:3`},
		{"prefix twice, once mapped", []string{one(`match: "::ffff:10.0.0.1", region: r`) + "  - {match: 10.0.0.1, set: a.b.c}\n"}, `a.yaml:4:13: prefix "10.0.0.1/32" is given twice with different content, first in a.yaml:3`},
		{"range twice", []string{one("match: 10.0.0.1-10.0.0.254, region: r") + "  - {match: 10.0.0.1-10.0.0.254, region: s}\n"}, `a.yaml:4:13: range "10.0.0.1-10.0.0.254" is given twice with different content, first in a.yaml:3`},
		{"range twice, once as a prefix", []string{one("match: 10.0.0.0-10.0.0.255, region: r") + "  - {match: 10.0.0.0/24, region: s}\n"}, `a.yaml:4:13: prefix "10.0.0.0/24" is given twice with different content, first in a.yaml:3`},
		{"ranges cross", []string{one("match: 10.0.0.10-10.0.0.30, region: r"), one("match: [10.9.0.0/16, 10.0.0.0-10.0.0.20], region: r")}, `b.yaml:3:27: range "10.0.0.0-10.0.0.20" crosses range "10.0.0.10-10.0.0.30" of a.yaml:3, expected one inside the other, or no address in both`},
		{"ranges cross, in the order of addresses", []string{one("match: 10.0.0.0-10.0.0.20, region: r") + "  - {match: 10.0.0.10-10.0.0.30, region: s}\n"}, `a.yaml:4:13: range "10.0.0.10-10.0.0.30" crosses range "10.0.0.0-10.0.0.20" of a.yaml:3, expected one inside the other, or no address in both`},
		{"a range crosses a prefix", []string{one("match: 10.0.0.16/28, region: r") + "  - {match: 10.0.0.20-10.0.0.50, region: s}\n"}, `a.yaml:4:13: range "10.0.0.20-10.0.0.50" crosses prefix "10.0.0.16/28" of a.yaml:3, expected one inside the other, or no address in both`},
		{"a range crosses prefixes at its end", []string{one("match: 10.0.0.1-10.0.0.17, region: r") + "  - {match: 10.0.0.16/28, region: s}\n  - {match: 10.0.0.16/29, region: t}\n"}, `a.yaml:3:13: range "10.0.0.1-10.0.0.17" crosses prefix "10.0.0.16/28" of a.yaml:4, expected one inside the other, or no address in both`},
		{"a blank at the end of a place", []string{one("match: 10.0.0.1, region: '华南 '")}, `a.yaml:3:31: region "华南 " has a blank at an end, expected "华南"`},
		{"nothing but blanks", []string{one("match: 10.0.0.1, region: ' '")}, `a.yaml:3:31: region " " has nothing but blanks, expected a name`},
		{"a slash in a place", []string{one("match: 10.0.0.1, region: a, zone: 深圳/南山")}, `a.yaml:3:40: zone "深圳/南山" has a "/", which stands between region, zone and campus, expected a name without`},
		{"slashes in two places", []string{one("match: 10.0.0.1, region: a/b, zone: c/d")}, "a.yaml:3:31: region \"a/b\" has a \"/\", which stands between region, zone and campus, expected a name without\n" +
			"a.yaml:3:42: zone \"c/d\" has a \"/\", which stands between region, zone and campus, expected a name without"},
		{"a hidden character in many entries", []string{"csv:match,region,zone,set\n10.1.0.1,r,sz\u200b,a.b.c\n10.0.0.1,r,sz\u200b,\n10.0.0.2,r,sz,\n"},
			`a.csv:2:12: zone "sz\u200b" has U+200B (a zero-width space), which nobody can see, expected "sz"; and 1 other entry has this fault`},
		{"a no-break space in a place", []string{one("match: 10.0.0.1, region: \"a\\u00a0b\"")}, `a.yaml:3:31: region "a\u00a0b" has U+00A0 (a no-break space), which nobody can see, expected "ab"`},
		{"names in the topology", []string{"version: 1\ntopology:\n  'a ': {z: []}\n  b: {y/z: [], x: [\"c\\ufeff\"]}\n  null: {}\n"},
			"a.yaml:3:3: region \"a \" has a blank at an end, expected \"a\"\n" +
				"a.yaml:4:7: zone \"y/z\" has a \"/\", which stands between region, zone and campus, expected a name without\n" +
				"a.yaml:4:20: campus \"c\\ufeff\" has U+FEFF (a byte order mark), which nobody can see, expected \"c\"\n" +
				"a.yaml:5:3: found nothing in the place of a key, expected a text; one that means \"null\" needs quotes"},
		{"a name in the default", []string{"version: 1\ndefault: {region: a/b}\n"}, `a.yaml:2:19: region "a/b" has a "/", which stands between region, zone and campus, expected a name without`},
		{"NULL in cells", []string{"csv:match,region,zone,set\n10.1.0.0/16,华南,NULL,null\n"}, "a.csv:2:20: zone \"NULL\" is how exports write that there is none, expected an empty cell, or no key zone\na.csv:2:25: SET name \"null\" is how exports write that there is none, expected an empty cell"},
		{"NULL for a zone", []string{"csv:match,region,zone\n10.1.0.0/16,华南,NULL\n"}, `a.csv:2:20: zone "NULL" is how exports write that there is none, expected an empty cell, or no key zone`},
		{"NULL in YAML", []string{one("match: 10.1.0.0/16, region: r, zone: 'N/A'")}, `a.yaml:3:43: zone "N/A" is how exports write that there is none, expected an empty cell, or no key zone`},
		{"keys with nothing behind them", []string{"version: 1\ntopology:\nmappings:\n  - {match: 10.0.0.1, region: r, labels: }\ndefault:\n"},
			"a.yaml:2:10: found nothing, expected keys and values, or no key topology\na.yaml:4:42: found nothing, expected keys and values, or no key labels\n" +
				"a.yaml:5:9: found nothing, expected keys and values, or no key default"},
		{"a region that only looks like one of the topology", []string{"version: 1\ntopology: {Gen\u00e8ve: {}}\n", "csv:match,region\n10.0.0.1,Gene\u0300ve\n"},
			"b.csv:2:1: region \"Gene\u0300ve\" is not in the topology; did you mean \"Gen\u00e8ve\"? (\"e\u0300\" (U+0065 U+0300) is not \"\u00e8\" (U+00E8))"},
		{"a zone under two regions that look alike", []string{"csv:match,region,zone\n10.1.0.0/16,Gen\u00e8ve,ge-1\n10.2.0.0/16,Gene\u0300ve,ge-1\n"},
			"a.csv:3:1: zone \"ge-1\" is under region \"Gene\u0300ve\" here and under \"Gen\u00e8ve\" in a.csv:2, expected one region: \"e\u0300\" (U+0065 U+0300) is not \"\u00e8\" (U+00E8)"},
		{"a column that only looks like one", []string{"csv:match,r\u0435gion\n"}, "a.csv:1:7: unknown column \"r\u0435gion\"; did you mean \"region\"? (\"\u0435\" (U+0435) is not \"e\")"},
		{"zone without a region", []string{one("match: 10.0.0.1, zone: z")}, `a.yaml:3:5: zone "z" has no region: neither this entry nor a wider one around it says a region`},
		{"campus without a zone, twice", []string{one("match: 10.0.0.0/8, region: r") + "  - {match: 10.0.1.1, campus: c}\n  - {match: 10.0.0.1, campus: c}\n"}, `a.yaml:4:5: campus "c" has no zone: neither this entry nor a wider one around it says a zone; and 1 other entry has this fault`},
		{"default with a zone without a region", []string{"version: 1\ndefault: {zone: z}\n"}, `a.yaml:2:10: the default has zone "z" without its region, expected both`},
		{"a region that the topology lacks, many times", []string{topology, "csv:match,region\n10.0.0.9,west\n10.0.0.1,west\n10.0.0.2,west\n"}, `b.csv:2:1: region "west" is not in the topology; did you mean "east"?; and 2 other entries have this fault`},
		{"default twice", []string{"version: 1\ndefault: {region: r}", "version: 1\ndefault: {region: s}"}, `b.yaml:2:10: default is given twice, first in a.yaml:2`},
		{"region not in the topology", []string{topology, one("match: 10.0.0.1, region: sout")}, `b.yaml:3:5: region "sout" is not in the topology; did you mean "south"?`},
		{"zone not in the topology", []string{topology, one("match: 10.0.0.1, region: south, zone: bj")}, `b.yaml:3:5: zone "bj" is not in the topology, in region "south", expected one of gz, sz`},
		{"campus not in the topology", []string{topology, one("match: 10.0.0.1, region: south, zone: sz, campus: sz-3")}, `b.yaml:3:5: campus "sz-3" is not in the topology, in zone "sz"; did you mean "sz-2"?`},
		{"inherited region does not have the zone", []string{topology, "version: 1\nmappings:\n  - {match: 10.0.0.0/8, region: south}\n  - {match: 10.1.0.0/16, zone: nj}\n"}, `b.yaml:4:5: zone "nj" is in region "east", not in "south"`},
		{"zone of another region", []string{topology, one("match: 10.0.0.1, region: south, zone: nj")}, `b.yaml:3:5: zone "nj" is in region "east", not in "south"`},
		{"campus of another zone", []string{topology, one("match: 10.0.0.1, region: south, zone: gz, campus: sz-2")}, `b.yaml:3:5: campus "sz-2" is in zone "south/sz", not in zone "gz"`},
		{"campus of another zone, without region", []string{topology, one("match: 10.0.0.1, zone: gz, campus: sz-2")}, `b.yaml:3:5: campus "sz-2" is in zone "south/sz", not in zone "gz"`},
		{"default not in the topology", []string{topology + "default: {region: west}"}, `a.yaml:5:10: region "west" is not in the topology; did you mean "east"?`},
		{"zone under two regions of the topology", []string{"version: 1\ntopology:\n  south: {z: []}\n  east: {z: []}"}, `a.yaml:4:10: zone "z" is under region "east" here and under "south" elsewhere, expected one region`},
		{"zone under two regions", []string{one("match: 10.0.0.1, region: south, zone: z"), one("match: 10.0.0.2, region: east, zone: z")}, `b.yaml:3:5: zone "z" is under region "east" here and under "south" in a.yaml:3, expected one region`},
		{"shared with a SET", []string{one("match: 10.0.0.1, shared: true, set: a.b.c")}, `a.yaml:3:5: a shared address has no SET and no labels, expected one or the other`},
		{"shared is no word", []string{one("match: 10.0.0.1, shared: often")}, `a.yaml:3:31: found "often", expected true or false`},
		{"CSV shared is no word", []string{"csv:match,shared\n10.0.0.1,yes\n"}, `a.csv:2:10: found "yes", expected true or false`},
		{"CSV without match", []string{"csv:region,set\nr,a.b.c"}, `a.csv:1:1: the header has no column "match"`},
		{"CSV with an unknown column", []string{"csv:match,regoin\n"}, `a.csv:1:7: unknown column "regoin"; did you mean "region"?`},
		{"CSV with a column twice", []string{"csv:match,set,set\n"}, `a.csv:1:11: column "set" is given twice, expected each once`},
		{"CSV with a short row", []string{"csv:match,set\n10.0.0.1\n"}, `a.csv:2:1: the row has 1 cell, the header 2, expected as many`},
		{"CSV with a bad address", []string{"csv:# c\nset,match\na.b.c,10.0.0\n"}, `a.csv:3:7: "10.0.0" is not an address, expected an IP, a CIDR prefix or a range a-b`},
		{"CSV with a bad SET", []string{"csv:match,set\n10.0.0.1,*.b.c\n"}, `a.csv:2:10: SET name "*.b.c" has "*" in segment 1, expected it in the third only`},
		{"CSV with two faults in a row", []string{"csv:match,set,shared\n10.0.0.0/33,a.b,often\n"}, "a.csv:2:1: \"10.0.0.0/33\" is not a prefix, expected address/bits, as 10.1.0.0/16 or fd00::/8\na.csv:2:13: SET name \"a.b\" has 2 segments, expected three: business.area.group\na.csv:2:17: found \"often\", expected true or false"},
		{"campus alone, not in the topology", []string{topology, one("match: 10.0.0.1, campus: sz-3")}, `b.yaml:3:5: campus "sz-3" is not in the topology; did you mean "sz-2"?`},
		{"zone alone, not in the topology", []string{topology, one("match: 10.0.0.1, zone: szz")}, `b.yaml:3:5: zone "szz" is not in the topology; did you mean "sz"?`},
		{"CSV row that says nothing", []string{"csv:match,set\n10.0.0.1,\n"}, `a.csv:2:1: the row says nothing of its addresses, expected region, zone, campus, set, labels or shared`},
		{"CSV with a quote", []string{"csv:match,set\n10.0.0.1,a\"b\n"}, `a.csv:2:11: not valid CSV: bare " in non-quoted-field`},
		{"CSV with a column of another case", []string{"csv:Match,Region,label.X\n10.0.0.1,r,\n"}, "a.csv:1:1: unknown column \"Match\": names of columns are in lower case, expected \"match\"\na.csv:1:7: unknown column \"Region\": names of columns are in lower case, expected \"region\""},
		{"CSV with a column of remarks", []string{"csv:match,region,备注\n10.0.0.1,r,hello\n"}, `a.csv:1:14: unknown column "备注", expected one of match, region, zone, campus, set, shared, label.<key>; setctl import leaves other columns out`},
		{"CSV with a cell in a column without a name", []string{"csv:match,region,,\n10.0.0.1,r,,\n10.0.0.2,r,,x\n"}, `a.csv:3:13: "x" is in a column without a name, expected one in the header`},
		{"CSV without a match in a row", []string{"csv:match,region\n,r\n"}, `a.csv:2:1: the row has no match, expected an address, a prefix or a range`},
		{"CSV with a bad address among several", []string{"csv:match,region\n\"10.0.0.1\n10.0.0\",r\n"}, `a.csv:2:1: "10.0.0" is not an address, expected an IP, a CIDR prefix or a range a-b`},
		{"CSV with a hidden character in an address", []string{"csv:match,region\n\u200b10.0.0.1,r\n"}, `a.csv:2:1: "\u200b10.0.0.1" is not an address; did you mean "10.0.0.1"?`},
		{"CSV in UTF-16", []string{"csv:\xff\xfem\x00a\x00"}, `a.csv: is UTF-16 text; save it as UTF-8, in Excel as "CSV UTF-8"`},
		{"anchors and merges", []string{"version: 1\nmappings:\n  - &sz {match: 10.1.0.0/16, region: r, zone: z}\n  - {<<: *sz, match: 10.2.0.0/16}\n  - *sz\n  - {match: 10.3.0.0, zone: *z}\n"},
			`a.yaml:6:1: not valid YAML: unknown anchor 'z' referenced, at "- {match: 10.3.0.0, zone: *z}"`},
		{"anchors and merges that there are", []string{"version: 1\nmappings:\n  - &sz {match: 10.1.0.0/16, region: r, zone: z}\n  - {<<: *sz, match: 10.2.0.0/16}\n  - *sz\n  - {match: 10.3.0.0, regoin: r}\n"},
			"a.yaml:3:5: YAML anchors and aliases are not supported; write each value out\na.yaml:6:23: unknown key \"regoin\"; did you mean \"region\"?"},
		{"CSV of comments", []string{"csv:# nothing\n"}, `a.csv: has no header, expected a line of match,region,zone,campus,set,shared,label.<key>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, got := loadAll(tt.in...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if table != nil {
				t.Error("a table beside faults")
			}
		})
	}
}

// CSV is read as Excel and CMDBs write it.
func TestCSVForms(t *testing.T) {
	want, fault := loadAll("csv:match,region,set\n10.0.0.1,r,a.b.c\n10.0.0.3-10.0.0.9,s,\n")
	if fault != "" {
		t.Fatal(fault)
	}
	for name, text := range map[string]string{
		"semicolons":               "match;region;set\n10.0.0.1;r;a.b.c\n10.0.0.3-10.0.0.9;s;\n",
		"tabs":                     "match\tregion\tset\n10.0.0.1\tr\ta.b.c\n10.0.0.3-10.0.0.9\ts\t\n",
		"tabs and an empty cell":   "region\tset\tmatch\nr\ta.b.c\t10.0.0.1\ns\t\t10.0.0.3-10.0.0.9\n",
		"sep":                      "sep=;\r\nmatch;region;set\r\n10.0.0.1;r;a.b.c\r\n10.0.0.3-10.0.0.9;s;\r\n",
		"sep behind a mark":        "\xef\xbb\xbfSEP=,\nmatch,region,set\n10.0.0.1,r,a.b.c\n10.0.0.3-10.0.0.9,s,\n",
		"comments first":           "# from the CMDB, at night\n\nmatch;region;set\n10.0.0.1;r;a.b.c\n10.0.0.3-10.0.0.9;s;\n",
		"empty rows":               "match,region,set\n,,\n10.0.0.1,r,a.b.c\n , , \n10.0.0.3-10.0.0.9,s,\n,,\n,,,,\n\n",
		"empty columns":            "match,region,set,,\n10.0.0.1,r,a.b.c,,\n10.0.0.3-10.0.0.9,s,,,\n",
		"addresses on two lines":   "match,region,set\n10.0.0.1,r,a.b.c\n\"10.0.0.3\n10.0.0.4-10.0.0.9\",s,\n",
		"addresses with bars":      "match,region,set\n10.0.0.1,r,a.b.c\n10.0.0.3 | 10.0.0.4 - 10.0.0.9,s,\n",
		"addresses with commas":    "match;region;set\n10.0.0.1;r;a.b.c\n10.0.0.3,10.0.0.4-10.0.0.7, 10.0.0.8/31;s;\n",
		"a range between blanks":   "match,region,set\n10.0.0.1,r,a.b.c\n10.0.0.3 - 10.0.0.9,s,\n",
		"addresses behind another": "match,region,set\n10.0.0.1 ,r,a.b.c\n10.0.0.3 10.0.0.4-10.0.0.9,s,\n",
	} {
		table, fault := loadAll("csv:" + text)
		if fault != "" || table.Len() != 2 {
			t.Errorf("%s: %s", name, fault)
			continue
		}
		for addr := netip.MustParseAddr("10.0.0.0"); addr.String() != "10.0.0.11"; addr = addr.Next() {
			a, okA := want.Lookup(addr)
			b, okB := table.Lookup(addr)
			if okA != okB || okA && fmt.Sprint(a.Location, a.SET) != fmt.Sprint(b.Location, b.SET) {
				t.Errorf("%s: %s differs", name, addr)
			}
		}
	}
}

// Entries that say the same again are one warning for a file.
func TestRepeats(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []string
		want string
	}{
		{"once", []string{"csv:match,region\n10.0.0.0/8,r\n10.0.0.0/8,r\n"}, `a.csv:3:1: warning: prefix "10.0.0.0/8" is given twice with the same content, first in a.csv:2`},
		{"a range", []string{"version: 1\nmappings:\n  - {match: 10.0.0.1-10.0.0.9, labels: {k: v}}\n  - {match: [10.0.0.1-10.0.0.9], labels: {k: v}}\n"},
			`a.yaml:4:14: warning: range "10.0.0.1-10.0.0.9" is given twice with the same content, first in a.yaml:3`},
		{"two", []string{"csv:match,region\n10.0.0.1,r\n10.0.0.1,r\n10.0.0.1,r\n"}, `a.csv:3:1: warning: prefix "10.0.0.1/32" is given twice with the same content, first in a.csv:2, and 1 other match of this file, too`},
		{"in another file", []string{"csv:match,region\n10.0.0.1,r\n10.0.0.2,r\n10.0.0.3,r\n", "csv:match,region\n10.0.0.3,r\n10.0.0.1,r\n10.0.0.2,r\n"},
			`b.csv:2:1: warning: prefix "10.0.0.3/32" is given twice with the same content, first in a.csv:4, and 2 other matches of this file, too`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table, problems := warningsOf(tt.in...)
			if problems != tt.want || table == nil {
				t.Errorf("%s\nwant %s", problems, tt.want)
			}
		})
	}
}

// warningsOf loads files as loadAll does, and returns every problem and warning.
func warningsOf(texts ...string) (*Table, string) {
	var problems strict.Problems
	table := LoadMapping(filesOf(texts), &problems)
	lines := strict.Lines(problems.Err())
	for _, p := range table.Warnings() {
		lines = append(lines, p.String())
	}
	return table, strings.Join(lines, "\n")
}

func TestLookup(t *testing.T) {
	table, fault := loadAll(`
version: 1
mappings:
  - {match: 10.0.0.0/8, region: r, zone: z, campus: c, set: a.b.c, labels: {k: wide, l: wide}}
  - {match: 10.1.0.0/16, region: r2}
  - {match: 10.2.0.0/16, zone: z2}
  - {match: 10.3.0.0/16, campus: c2}
  - {match: 10.4.0.0/16, set: a.b.d}
  - {match: 10.4.4.0/24, labels: {k: narrow}}
  - {match: [10.5.0.3-10.5.0.6, "fd00::/16"], set: "a.b.*"}
  - {match: "::ffff:10.6.0.0/112", set: a.b.e}
  - {match: 10.8.0.0/16, shared: true, zone: z8}
  - {match: 10.8.8.0/24, campus: c8}
  - {match: 10.8.9.0/24, set: a.b.f}
  - {match: 10.9.0.1-10.9.0.254, region: r9, set: a.b.g}
  - {match: [10.9.0.128/26, 10.9.0.16-10.9.0.31, 10.9.0.2-10.9.0.3], zone: z9}
  - {match: 10.9.0.130-10.9.0.191, set: a.b.h}
  - {match: ["[fd01::1]", "[fd01::]/120", "fd01::1:0%eth0", "[fd01::2:0]-[fd01::2:2]"], set: a.b.i}
default: {region: d}
`, "csv:\xef\xbb\xbfmatch, region, zone ,label.k\n# comment\n\"10.7.0.0/16\",r7,z7,v\n")
	if fault != "" {
		t.Fatal(fault)
	}
	for addr, want := range map[string]string{
		"10.0.0.1":        "r/z/c a.b.c map[k:wide l:wide] | 4 4 4 4",
		"10.1.0.1":        "r2 a.b.c map[k:wide l:wide] | 5 0 0 4",
		"10.2.0.1":        "r/z2 a.b.c map[k:wide l:wide] | 4 6 0 4",
		"10.3.0.1":        "r/z/c2 a.b.c map[k:wide l:wide] | 4 4 7 4",
		"10.4.0.1":        "r/z/c a.b.d map[k:wide l:wide] | 4 4 4 8",
		"10.4.4.1":        "r/z/c a.b.d map[k:narrow l:wide] | 4 4 4 8",
		"10.5.0.2":        "r/z/c a.b.c map[k:wide l:wide] | 4 4 4 4",
		"10.5.0.3":        "r/z/c a.b.* map[k:wide l:wide] | 4 4 4 10",
		"10.5.0.6":        "r/z/c a.b.* map[k:wide l:wide] | 4 4 4 10",
		"10.5.0.7":        "r/z/c a.b.c map[k:wide l:wide] | 4 4 4 4",
		"::ffff:10.5.0.3": "r/z/c a.b.* map[k:wide l:wide] | 4 4 4 10",
		"fd00::1%eth0":    " a.b.* map[] | 0 0 0 10",
		"10.6.0.1":        "r/z/c a.b.e map[k:wide l:wide] | 4 4 4 11",
		"10.7.0.1":        "r7/z7 a.b.c map[k:v l:wide] | 3 3 0 4",
		"10.8.0.1":        "r/z8  map[] shared | 4 12 0 0",
		"10.8.8.1":        "r/z8/c8  map[] shared | 4 12 13 0",
		"10.8.9.1":        "r/z8 a.b.f map[] | 4 12 0 14",
		"10.9.0.1":        "r9 a.b.g map[k:wide l:wide] | 15 0 0 15",
		"10.9.0.2":        "r9/z9 a.b.g map[k:wide l:wide] | 15 16 0 15",
		"10.9.0.32":       "r9 a.b.g map[k:wide l:wide] | 15 0 0 15",
		"10.9.0.31":       "r9/z9 a.b.g map[k:wide l:wide] | 15 16 0 15",
		"10.9.0.128":      "r9/z9 a.b.g map[k:wide l:wide] | 15 16 0 15",
		"10.9.0.130":      "r9/z9 a.b.h map[k:wide l:wide] | 15 16 0 17",
		"10.9.0.191":      "r9/z9 a.b.h map[k:wide l:wide] | 15 16 0 17",
		"10.9.0.192":      "r9 a.b.g map[k:wide l:wide] | 15 0 0 15",
		"10.9.0.255":      "r/z/c a.b.c map[k:wide l:wide] | 4 4 4 4",
		"fd01::1":         " a.b.i map[] | 0 0 0 18",
		"fd01::ff":        " a.b.i map[] | 0 0 0 18",
		"fd01::1:0":       " a.b.i map[] | 0 0 0 18",
		"fd01::2:2":       " a.b.i map[] | 0 0 0 18",
		"11.0.0.1":        "unknown",
	} {
		got := "unknown"
		if found, ok := table.Lookup(netip.MustParseAddr(addr)); ok {
			f := found.Facts()
			shared := ""
			if f.Shared != nil {
				shared = " shared"
			}
			got = fmt.Sprintf("%s %s %v%s | %d %d %d %d", f.Location, f.SET, f.Labels, shared,
				line(f.RegionFrom), line(f.ZoneFrom), line(f.CampusFrom), line(f.SETFrom))
		}
		if got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
	if got := table.Default().Region; got != "d" {
		t.Errorf("default region %q", got)
	}
	if got := (*Table)(nil).Default().Region; got != "" {
		t.Errorf("default region %q of a nil table", got)
	}
}

func line(o *Origin) int {
	if o == nil {
		return 0
	}
	return o.Line
}

func TestDoesNotAllocate(t *testing.T) {
	table, fault := loadAll("version: 1\nmappings:\n  - {match: 10.0.0.0/8, region: r, labels: {k: wide}}\n  - {match: 10.1.0.0/16, set: a.b.c, labels: {l: own}}\n")
	if fault != "" {
		t.Fatal(fault)
	}
	caller := Resolver{Sources: []Source{TableSource{func() *Table { return table }}}, Default: table.Default()}
	for what, do := range map[string]func(netip.Addr){
		"lookup": func(addr netip.Addr) { table.Lookup(addr) },
		"caller": func(addr netip.Addr) { caller.Caller(addr) },
	} {
		if n := testing.AllocsPerRun(100, func() { do(netip.MustParseAddr("::ffff:10.1.2.3")) }); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

// What iterating over prefixes allocates is the prefix table's, not a step's.
func TestAllDoesNotAllocatePerStep(t *testing.T) {
	allocs := func(prefixes int) float64 {
		text := "csv:match,set,label.k\n"
		for i := range prefixes {
			text += fmt.Sprintf("10.0.0.%d,a.b.c%d,%d\n", i, i, i)
		}
		table, fault := loadAll(text)
		if fault != "" {
			t.Fatal(fault)
		}
		return testing.AllocsPerRun(10, func() {
			for range table.All() {
			}
		})
	}
	if few, many := allocs(2), allocs(250); many > few+9 { // some slices grow
		t.Errorf("%v allocations for 2 prefixes, %v for 250", few, many)
	}
}

func TestIdentities(t *testing.T) {
	table, fault := loadAll("csv:match,region,set,label.k\n10.2.0.0/16,r,,\n10.2.0.1,,a.b.c,1\n10.2.0.2,,a.b.c,2\n10.3.0.1,r,a.b.c,1\n10.1.0.0/16,r,a.b.c,\n10.1.0.1,,,1\n")
	if fault != "" {
		t.Fatal(fault)
	}
	var got []string
	for _, id := range table.Identities() {
		got = append(got, fmt.Sprintf("%s %s %v", id.Location, id.SET, id.Labels))
	}
	if diff := cmp.Diff([]string{"r a.b.c map[]", "r a.b.c map[k:1]", "r  map[]", "r a.b.c map[k:2]"}, got); diff != "" {
		t.Errorf("identities (-want +got):\n%s", diff)
	}
}

// An origin has the matches of the entry as they stand in the file; of many matches
// it has the first.
func TestOriginNamesMatches(t *testing.T) {
	table, problems := loadAll(`version: 1
mappings:
  - {match: [10.0.0.1, 10.0.0.2], set: a.b.c}
  - {match: [10.1.0.1, 10.1.0.2, 10.1.0.3, 10.1.1.0/24, 10.1.2.1-10.1.2.9], set: a.b.d}
`, "csv:match,set\n10.2.0.0/16,a.b.e\n")
	if problems != "" {
		t.Fatal(problems)
	}
	for addr, want := range map[string]string{
		"10.0.0.2": "mapping a.yaml:3 (10.0.0.1, 10.0.0.2)",
		"10.1.2.5": "mapping a.yaml:4 (10.1.0.1, 10.1.0.2, 10.1.0.3 and 2 more)",
		"10.2.3.4": "mapping b.csv:2 (10.2.0.0/16)",
	} {
		found, _ := table.Lookup(netip.MustParseAddr(addr))
		if got := found.Facts().SETFrom.String(); got != want {
			t.Errorf("%s is from %s, want %s", addr, got, want)
		}
	}
}
