package cmdbexport

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// fields are the fields of tests: name and value in turns.
func fields(pairs ...string) (out []Field) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, Field{pairs[i], pairs[i+1]})
	}
	return out
}

// outcome is a Result, or an error, as text.
func outcome(result Result, err error) string {
	var b strings.Builder
	for _, part := range []struct {
		title string
		list  []Group
	}{{"- ", result.LeftOut}, {"note ", result.Notes}} {
		for _, g := range part.list {
			b.WriteString(part.title + Count(g.Count, g.Noun) + ": " + g.Reason + " | " + strings.Join(g.Examples, " | ") + "\n")
		}
	}
	if err != nil {
		return b.String() + "error: " + err.Error() + "\n"
	}
	return b.String() + string(result.CSV)
}

// Whole outcomes (docs/design.md, 7; docs/import.md has an example of each tool).
func TestImport(t *testing.T) {
	region := fields("region", "region")
	sites := strict.File{Name: "sites.csv", Data: []byte("site,region,zone\nA,south,sz\nB,east,sh\n")}
	for _, c := range []struct {
		name, text string
		options    Options
		want       string
	}{
		{
			"several addresses in a cell", "ip,region\n\"10.0.0.1\n10.0.0.2;10.0.0.3、10.0.0.4|10.0.0.5, 10.0.0.6\",r\n10.0.1.1 - 10.0.1.9,r\n",
			Options{Match: "ip", Fields: region},
			"match,region\n10.0.0.1,r\n10.0.0.2,r\n10.0.0.3,r\n10.0.0.4,r\n10.0.0.5,r\n10.0.0.6,r\n10.0.1.1-10.0.1.9,r\n",
		},
		{
			"one bad address beside a good one", "ip,region\n\"10.0.0.1,10.0.0\",r\n",
			Options{Match: "ip", Fields: region},
			"- 1 address: \"...\" is not an address, expected an IP, a CIDR prefix or a range a-b | e.csv:2: \"10.0.0\" is not an address, expected an IP, a CIDR prefix or a range a-b\n" +
				"match,region\n10.0.0.1,r\n",
		},
		{
			"equal rows and rows that contradict", "ip,region\n10.0.0.1,r\n10.0.0.1,r\n10.0.0.2,r\n10.0.0.2,s\n10.0.0.3,r\n",
			Options{Match: "ip", Fields: region},
			"- 2 entries: another row says something else of the same addresses | e.csv:4: 10.0.0.2 r | e.csv:5: 10.0.0.2 s\n" +
				"- 1 entry: an earlier row says the same | e.csv:3: 10.0.0.1, first in e.csv:2\n" +
				"match,region\n10.0.0.1,r\n10.0.0.3,r\n",
		},
		{
			"conditions", "ip,region,state,vrf\n10.0.0.1,r,a,\n10.0.0.2,r,b,\n10.0.0.3,r,c,\n10.0.0.4,r,a,m\n",
			Options{Match: "ip", Fields: region, Where: []string{"state=a", "state=b", "vrf!=m"}},
			"- 1 row: state is not \"a\" or \"b\" | \"c\" (e.csv:4)\n- 1 row: vrf is \"m\" | \"m\" (e.csv:5)\nmatch,region\n10.0.0.1,r\n10.0.0.2,r\n",
		},
		{
			"a table of names", "ip,site\n10.0.0.1,A\n10.0.0.2,C\n10.0.0.3,B\n10.0.0.4,\n",
			Options{Match: "ip", Names: []strict.File{sites}, Fields: fields("label.site", "=x-{site}")},
			"- 2 rows: site is not in sites.csv | e.csv:3 \"C\" | e.csv:5 \"\"\nmatch,label.site,region,zone\n10.0.0.1,x-A,south,sz\n10.0.0.3,x-B,east,sh\n",
		},
		{
			"rows before the header name the columns, too", "地址,地域\n文本,文本\nip,region\n10.0.0.1,r\n",
			Options{Match: "地址", Fields: region, SkipRows: 2},
			"match,region\n10.0.0.1,r\n",
		},
		{
			"a header that stands further below", "x,y\nip,region\n10.0.0.1,r\n", Options{Match: "ip", Fields: region},
			"error: no column is named \"ip\"; row 2 has it: give --skip-rows 1\n",
		},
		{"a slip in a name", "addr,region\n10.0.0.1,r\n", Options{Match: "adr", Fields: region}, "error: no column is named \"adr\"; did you mean \"addr\"?\n"},
		{"no such column", "addr,region\n10.0.0.1,r\n", Options{Match: "Prefix", Fields: region}, "error: no column is named \"Prefix\", expected one of \"addr\", \"region\"\n"},
		{"a text in the place of a column", "ip,city\n10.0.0.1,sz\n", Options{Match: "ip", Fields: fields("region", "华南")}, "error: no column is named \"华南\", expected one of \"ip\", \"city\"; \"=华南\" would be the text itself\n"},
		{"line ends of old systems", "ip,region\r10.0.0.1,r\r", Options{Match: "ip", Fields: region}, "match,region\n10.0.0.1,r\n"},
		{"a name of two columns", "ip,ip\n10.0.0.1,r\n", Options{Match: "ip", Fields: fields("region", "=r")}, "error: column \"ip\" is there twice, expected a name that one column has\n"},
		{
			"semicolons, masks, empty rows, words for nothing", "sep=;\nip;mask;region;set\n10.0.0.0;255.255.0.0;r;NULL\n10.0.1.0;24;#N/A;\n;;;\n10.0.2.7;;r;-\n",
			Options{Match: "={ip}/{mask}", Fields: fields("region", "region", "set", "set")},
			"- 1 row: region is an error of the spreadsheet | e.csv:4 \"#N/A\"\n- 1 row: the row is empty | e.csv:5\n" +
				"note 1 cell: \"NULL\" is read as an empty cell | e.csv:3\nnote 1 cell: \"-\" is read as an empty cell | e.csv:6\n" +
				"match,region,set\n10.0.0.0/16,r,\n10.0.2.7,r,\n",
		},
		{
			"hosts with the mask of their network", "ip,region\n10.0.0.7/24,r\nfd00::7/64,r\n", Options{Match: "ip", Fields: region, Hosts: true},
			"match,region\n10.0.0.7,r\nfd00::7,r\n",
		},
		{
			"what does not load is left out, with its place in the export", "ip,set\n10.0.0.1,qb.novel.z\n10.0.0.2,idle\n10.0.0.3/24,qb.novel.z\n",
			Options{Match: "ip", Fields: fields("set", "set")},
			"- 1 address: prefix \"...\" has host bits set; did you mean \"...\"? | e.csv:4: prefix \"10.0.0.3/24\" has host bits set; did you mean \"10.0.0.0/24\"?\n" +
				"- 1 entry: SET name \"...\" has 1 segment, expected three: business.area.group | e.csv:3: SET name \"idle\" has 1 segment, expected three: business.area.group\n" +
				"match,set\n10.0.0.1,qb.novel.z\n",
		},
		{
			"nothing is taken", "ip,region,state\n10.0.0.1,r,Active\n", Options{Match: "ip", Fields: region, Where: []string{"state=active"}},
			"- 1 row: state is not \"active\" | \"Active\" (e.csv:2)\nerror: nothing was taken\n",
		},
		{
			"a cut file", "ip,region,zone\n10.0.0.1,r,z\n10.0.0.2,r\n", Options{Match: "ip", Fields: region},
			"- 1 row: the row has not as many cells as the header (3) | e.csv:3\nmatch,region\n10.0.0.1,r\n",
		},
		{"a quote without an end", "ip,region\n10.0.0.1,\"r\n10.0.0.2,r\n", Options{Match: "ip", Fields: region}, "error: not valid CSV in line 2: extraneous or missing \" in quoted-field\n"},
		{
			"a line break in a cell", "ip,region\n10.0.0.1,\"a\nb\"\n10.0.0.2,r\n", Options{Match: "ip", Fields: region},
			"- 1 row: region has a line break | e.csv:2 \"a\\nb\"\nmatch,region\n10.0.0.2,r\n",
		},
		{"the header alone", "ip,region\n", Options{Match: "ip", Fields: region}, "error: nothing was taken\n"},
		{"no header", "a,b\n", Options{Match: "ip", Fields: region, SkipRows: 2}, "error: has 1 row, expected a row with the names of the columns and rows below\n"},
		{"an Excel workbook", "PK\x03\x04...", Options{Match: "ip"}, "error: is an Excel workbook (.xlsx), expected CSV: save it as CSV UTF-8\n"},
		{
			"GBK", "ip,region\n10.0.0.1,\xbb\xaa\xc4\xcf\n", Options{Match: "ip", Fields: region},
			"error: is not UTF-8 text; if Excel in Chinese saved it, give --encoding gbk, else save it as CSV UTF-8\n",
		},
		{"GBK that is said", "ip,region\n10.0.0.1,\xbb\xaa\xc4\xcf\n", Options{Match: "ip", Fields: region, Encoding: EncodingGBK}, "match,region\n10.0.0.1,华南\n"},
		{"UTF-16, as Excel's Unicode text", "\xff\xfei\x00p\x00\t\x00r\x00\n\x00:\x00:\x001\x00\t\x00x\x00\n\x00", Options{Match: "ip", Fields: fields("region", "r")}, "match,region\n::1,x\n"},
		{"nothing is said", "ip\n10.0.0.1\n", Options{Match: "ip"}, "error: nothing is said of the addresses, expected one of --region, --zone, --campus, --set, --shared, --label or --names\n"},
		{"a field twice", "ip,site,region\n10.0.0.1,A,r\n", Options{Match: "ip", Fields: region, Names: []strict.File{sites}}, "error: region is given twice, the second time by sites.csv, expected once\n"},
		{
			"a list in JSON", `{"code": 0, "data": {"info": [{"ip": ["10.0.0.1", "10.0.0.2"], "region": {"name": "r"}, "n": 7}, 3, {"ip": null, "region": null}]}}`,
			Options{Rows: "data.info", Match: "ip", Fields: fields("region", "region.name", "label.n", "n")},
			"- 1 row: is not an object with keys and values | e.csv: data.info[1]\n- 1 row: says nothing: region, label.n empty | e.csv: data.info[2]\n" +
				"match,region,label.n\n10.0.0.1,r,7\n10.0.0.2,r,7\n",
		},
		{"JSON without --rows", `{"prefixes": [], "data": {"info": [1]}}`, Options{Match: "ip"}, "error: the rows are in a list of the file, expected --rows data.info or --rows prefixes\n"},
		{"JSON with a slip in --rows", `{"prefixes": []}`, Options{Match: "ip", Rows: "prefix"}, "error: --rows prefix is no list; did you mean --rows prefixes?\n"},
		{"an object in a column", `[{"ip": "10.0.0.1", "region": {"name": "r"}}]`, Options{Match: "ip", Fields: region}, "error: column \"region\" has keys and values, expected one of them, as \"region.name\"\n"},
		{"half of a JSON file", "[{\"ip\": \"10.0.0.1\"},\n", Options{Match: "ip"}, "error: not valid JSON: the file ends too early\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := outcome(Import(strict.File{Name: "e.csv", Data: []byte(c.text)}, c.options))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// load wants a mapping file without a fault, and returns its table.
func load(t testing.TB, csv []byte) *location.Table {
	t.Helper()
	var problems strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.csv", Data: csv}}, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return table
}

// The heads of exports in testdata/import are of the forms that the tools have.
func TestExamplesAreThere(t *testing.T) {
	names, err := filepath.Glob("../../testdata/import/*")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/import.md")
	if err != nil {
		t.Fatal(err)
	}
	unused := slices.DeleteFunc(names, func(name string) bool { return strings.Contains(string(page), filepath.Base(name)) })
	if len(unused) > 0 {
		t.Errorf("docs/import.md has no example with %v", unused)
	}
}
