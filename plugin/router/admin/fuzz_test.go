package admin

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/fuzztest"
)

// FuzzQuery asks the admin listener everything by any query: each answer is
// JSON that a terminal can show, and no request that is not a POST reloads.
func FuzzQuery(f *testing.F) {
	f.Add("explain", "caller=10.2.7.9&service=default/novel", false)
	f.Add("explain", "caller=%00&set=a.b&service=%1b[2J/s", false)
	f.Add("who", "service=default/novel&host=10.1.7.4", false)
	f.Add("lookup", "address=::ffff:10.1.7.4%25eth0", false)
	f.Add("changes", "limit=-1&service=a/*", false)
	f.Add("configfile", "name=polaris://n/g/f", false)
	f.Add("reload", "force=yes", true)
	f.Add("status?", "%zz", false)
	f.Fuzz(func(t *testing.T, path, rawQuery string, post bool) {
		count := 0
		h := newHandler(reloads{pageState{t: t}, &count}, "")
		method := "GET"
		if post {
			method = "POST"
		}
		req := httptest.NewRequest(method, "/", nil)
		req.Host, req.URL = "localhost", &url.URL{Path: "/setrouter/v1/" + path, RawQuery: rawQuery}
		rec := httptest.NewRecorder()
		fuzztest.Bounded(t, len(path)+len(rawQuery), func() { h.ServeHTTP(rec, req) })
		if count > 0 && (!post || path != "reload" || !slices.Contains([]string{"", "true", "false"}, req.FormValue("force"))) || count > 1 {
			t.Fatalf("%s %s reloads", method, path)
		}
		if rec.Code >= 300 && rec.Code < 400 || rec.Code >= 500 {
			if rec.Code >= 500 {
				t.Errorf("%d: %s", rec.Code, rec.Body)
			}
			return // to the clean path
		}
		if !json.Valid(rec.Body.Bytes()) {
			t.Fatalf("%d, no JSON: %q", rec.Code, rec.Body)
		}
		for line := range strings.Lines(rec.Body.String()) {
			for _, r := range strings.TrimRight(line, "\n") {
				if r < ' ' || r == 0x7f && rec.Code != 200 {
					t.Fatalf("%q in %q", r, line)
				}
			}
		}
	})
}
