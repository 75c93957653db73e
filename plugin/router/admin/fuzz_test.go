package admin

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
)

// FuzzQuery sends any query to any path. Each answer is JSON that a terminal can
// show, and only a POST reloads.
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
		h := newHandler(countingBackend{pageBackend{t: t}, &count}, "")
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
		wantPrintable(t, rec)
	})
}

// wantPrintable fails for an answer that is not JSON, or that could move the
// cursor of a terminal.
func wantPrintable(t *testing.T, rec *httptest.ResponseRecorder) {
	t.Helper()
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
}

// publishingBackend keeps the edits that it is told to publish.
type publishingBackend struct {
	pageBackend
	edits *[]release.Edit
}

func (b publishingBackend) PublishConfigFile(_ string, e release.Edit, _ configcenter.Operator) (release.Published, error) {
	*b.edits = append(*b.edits, e)
	return release.Published{}, nil
}

// FuzzPublish sends any body as an edit of a file. The edit is published once, with
// the values of the body, or it is refused with a message.
func FuzzPublish(f *testing.F) {
	const media = "application/json"
	f.Add(media, `{"base": "b", "content": "version: 1\n", "release": "r", "description": "d", "draft": "e"}`)
	f.Add(media+"; charset=utf-8", `{"content": "\u001b[2J\ud800"}`)
	f.Add(media, `{"content": "a", "content": "b"}`)
	f.Add(media, `{"content": "a"} {"content": "b"}`)
	f.Add(media, `{"\u007f": 1}`)
	f.Add(media, `{"content": "a", "gray": ["10.0.0.1"], "new": true}`)
	f.Add(media, `null`)
	f.Add(media, `{"base": ["b"]}`)
	f.Add("text/plain", `{}`)
	f.Add("application/json;", `{}`)
	f.Fuzz(func(t *testing.T, media, body string) {
		var edits []release.Edit
		h := newHandler(publishingBackend{pageBackend{t: t}, &edits}, "")
		req := httptest.NewRequest("POST", "/setrouter/v1/configfile?name=polaris://n/g/f", strings.NewReader(body))
		req.Host = "localhost"
		req.Header.Set("Content-Type", media)
		rec := httptest.NewRecorder()
		fuzztest.Bounded(t, len(body), func() { h.ServeHTTP(rec, req) })
		wantPrintable(t, rec)
		switch {
		case rec.Code == 400 && len(edits) == 0:
		case rec.Code == 200 && len(edits) == 1:
			var want release.Edit
			if err := json.Unmarshal([]byte(body), &want); err != nil || !reflect.DeepEqual(edits[0], want) {
				t.Fatalf("published is %+v, want %+v (%v)", edits[0], want, err)
			}
			if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(media)), "application/json") {
				t.Fatalf("published as %q", media)
			}
		default:
			t.Fatalf("%d, %d published: %s", rec.Code, len(edits), rec.Body)
		}
	})
}
