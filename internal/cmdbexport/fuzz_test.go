package cmdbexport

import (
	"bytes"
	"encoding/csv"
	"testing"
	"unicode/utf8"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
)

// FuzzImport reads exports. What Import writes loads, has a line for each entry, and is
// the same the second time; what Import says is bounded and fit for a terminal.
func FuzzImport(f *testing.F) {
	for _, text := range fuzztest.Texts(f, "testdata/import/*") {
		for _, match := range []string{"Prefix", "bk_host_innerip", "ip_prefix", "Subnet"} {
			f.Add(text, "", match, "=r", "", uint8(2))
			f.Add(text, "prefixes", match, "region", "region!=GLOBAL", uint8(0))
		}
	}
	f.Add("ip;r\n10.0.0.1-10.0.0.9;a\n10.0.0.4-10.0.0.20;b\n", "", "ip", "r", "", uint8(0))
	f.Fuzz(func(t *testing.T, text, rows, match, field, where string, skip uint8) {
		if bytes.Count([]byte(text), []byte("-")) > 20 {
			t.Skip("ranges are many prefixes each")
		}
		options := Options{Rows: rows, Match: match, SkipRows: int(skip % 4), Fields: fields("region", field, "zone", field)}
		if where != "" {
			options.Where = []string{where}
		}
		file := strict.File{Name: "e", Data: []byte(text)}
		var result Result
		var err error
		fuzztest.Bounded(t, len(text), func() { result, err = Import(file, options) })
		if again, errAgain := Import(file, options); !bytes.Equal(again.CSV, result.CSV) || (errAgain == nil) != (err == nil) {
			t.Fatalf("%q and %v, then %q and %v", result.CSV, err, again.CSV, errAgain)
		}
		for _, group := range append(result.LeftOut, result.Notes...) {
			if group.Count < 1 || len(group.Examples) > mostExamples {
				t.Errorf("%+v", group)
			}
		}
		if err != nil {
			if len(err.Error()) == 0 || utf8.ValidString(text+match+field+where+rows) && !utf8.ValidString(err.Error()) {
				t.Errorf("the error %q", err)
			}
			return
		}
		load(t, result.CSV)
		lines, err := csv.NewReader(bytes.NewReader(result.CSV)).ReadAll()
		if err != nil || len(lines) != result.Entries+1 {
			t.Errorf("%d lines for %d entries, %v", len(lines), result.Entries, err)
		}
	})
}
