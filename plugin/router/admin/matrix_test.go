package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// What no request may have is refused, and the message says what and why.
func TestMatrixRefuses(t *testing.T) {
	h := newHandler(pageBackend{t: t}, "")
	bad := func(message string) string { return `400 bad-request: ` + message }
	for _, tt := range []struct{ path, want string }{
		{"matrix?service=novel", bad(`service "novel" is not namespace/service, as default/server-b`)},
		{"matrix?service=*/*", bad(`service "*/*" has a wildcard, expected one service, as default/server-b`)},
		{"matrix?rows=sets", bad(`rows "sets" is not one of business, set, kind; did you mean "set"?`)},
		{"matrix?columns=<b>", bad(`columns "<b>" is not one of zone, campus, set`)},
		{"matrix?all=1", bad(`all "1" is not true or false`)},
		{"matrix?limit=0", bad(`limit "0" is not a number from 1 to 1000`)},
		{"matrix?limit=1001", bad(`limit "1001" is not a number from 1 to 1000`)},
		{"matrix?limit=" + strings.Repeat("9", 30), bad(`limit "` + strings.Repeat("9", 30) + `" is not a number from 1 to 1000`)},
		{"matrix?callerSet=a..b", bad(`callerSet "a..b" is not a SET or its first segments, as qb, qb.novel or qb.novel.z, and not - for none`)},
		{"matrix?place=/z", bad(`place "/z" is not region, region/zone or region/zone/campus, and not - for none`)},
		{"matrix?set=" + strings.Repeat("x", 1001), bad("set has 1001 bytes, expected 1000 at most")},
		{"matrix?lost=r/z", bad(`lost "r/z" is not region:R, zone:R/Z, campus:R/Z/C or set:a.b.c`)},
		{"matrix?evacuate=zone:r", bad(`evacuate: zone "r" is not region/zone`)},
		{"matrix?" + strings.Repeat("lost=zone:r/z&", 11), bad("lost is there 11 times, expected 10 at most")},
		{"servicestates?state=bad", bad(`state "bad" is not one of empty, unusable, unknown, widened, first, shadow, stock, none`)},
		{"servicestates?offset=-1", bad(`offset "-1" is not a number from 0 to 1073741824`)},
		{"servicestates?limit=5001", bad(`limit "5001" is not a number from 1 to 5000`)},
		{"servicestates?filter=" + strings.Repeat("x", 1001), bad("filter has 1001 bytes, expected 1000 at most")},
		{"timeline?limit=1001", bad(`limit "1001" is not a number from 1 to 1000`)},
		{"timeline?limit=-", bad(`limit "-" is not a number from 1 to 1000`)},
	} {
		path, query, _ := strings.Cut(tt.path, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got := errorText(t, call(h, "GET", "127.0.0.1", "/setrouter/v1/"+path+"?"+values.Encode(), nil))
		if got != tt.want {
			t.Errorf("%.60s: %s\nwant %s", tt.path, got, tt.want)
		}
	}
}

// Files to be published are read strictly, and bad ones are named with their places.
func TestMatrixOfFilesRefuses(t *testing.T) {
	h := newHandler(filesBackend{pageBackend{t: t}}, "")
	for _, tt := range []struct{ name, body, media, want string }{
		{"a form", "files=x", "application/x-www-form-urlencoded", `400 bad-request: the body is "application/x-www-form-urlencoded", expected application/json`},
		{"no JSON", "{", "application/json", "400 bad-request: the body is not as in docs/openapi.yaml: unexpected EOF"},
		{"another key", `{"file": []}`, "application/json", `400 bad-request: the body is not as in docs/openapi.yaml: json: unknown field "file"`},
		{"two objects", `{"files": []}{}`, "application/json", "400 bad-request: the body goes on after its JSON object"},
		{"no files", `{"files": []}`, "application/json", "400 bad-request: the body has 0 files, expected 1 to 100"},
		{"many files", `{"files": [` + strings.TrimSuffix(strings.Repeat(`{"kind": "routing"},`, 101), ",") + `]}`, "application/json", "400 bad-request: the body has 101 files, expected 1 to 100"},
		{"another kind", `{"files": [{"kind": "rules", "name": "r"}]}`, "application/json", `400 bad-request: files[0] is of kind "rules", expected mapping or routing`},
		{"no name", `{"files": [{"kind": "routing"}]}`, "application/json", `400 bad-request: files[0] has no name`},
		{"a name twice", `{"files": [{"kind": "routing", "name": "r"}, {"kind": "routing", "name": "r"}]}`, "application/json", `400 bad-request: files[1] has the name of an earlier one, "r"`},
		{"another word", `{"files": [{"kind": "routing", "name": "r"}], "replace": "some"}`, "application/json", `400 bad-request: replace "some" is not all or named`},
		{"a bad rule", `{"files": [{"kind": "routing", "name": "r.yaml", "content": "version: 1\nrules: [{name: a, service: x/*, sett: {}}]"}]}`, "application/json",
			`400 bad-request: r.yaml:2:33: unknown key "sett"; did you mean "set"?`},
		{"a bad entry", `{"files": [{"kind": "mapping", "name": "m.csv", "content": "match,region\n10.1.0.1/16,r\n"}]}`, "application/json",
			`400 bad-request: m.csv:2:1: prefix "10.1.0.1/16" has host bits set; did you mean "10.1.0.0/16"?`},
		{"a control character", `{"files": [{"kind": "routing", "name": "r", "content": "version: 1\u0000"}]}`, "application/json", "400 bad-request: r: is not a text file: byte 10 is zero"},
	} {
		got := errorText(t, call(h, "POST", "127.0.0.1", "/setrouter/v1/matrix", strings.NewReader(tt.body), "Content-Type", tt.media))
		if got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
	}
	if got := errorText(t, call(h, "POST", "127.0.0.1", "/setrouter/v1/matrix", strings.NewReader(`{"files": [{"content": "`+strings.Repeat("x", maxFile)+`"}]}`), "Content-Type", "application/json")); got !=
		"413 too-large: the body is too large, expected at most 16777216 bytes" {
		t.Errorf("17 MiB: %s", got)
	}
}

// Requests with files are few at once: the bodies of the others are not read.
func TestRequestsWithFilesAreFew(t *testing.T) {
	h := newHandler(filesBackend{pageBackend{t: t}}, "")
	ask := func(body io.Reader) string {
		return errorText(t, call(h, "POST", "127.0.0.1", "/setrouter/v1/matrix", body, "Content-Type", "application/json"))
	}
	bodies, answers := make([]*io.PipeWriter, maxWithFiles), make(chan string)
	for n := range bodies {
		var body *io.PipeReader
		body, bodies[n] = io.Pipe()
		go func() { answers <- ask(body) }()
		if _, err := io.WriteString(bodies[n], " "); err != nil { // the listener reads the body
			t.Fatal(err)
		}
	}
	counted := &counter{r: strings.NewReader(`{"files": []}`)}
	if got := ask(counted); got != "503 busy: 4 other requests with files are under way, try again" || counted.n > 0 {
		t.Errorf("one more: %s, %d bytes of the body were read", got, counted.n)
	}
	for _, body := range bodies {
		body.Close()
		if got := <-answers; got != "400 bad-request: the body is not as in docs/openapi.yaml: EOF" {
			t.Errorf("one of the first: %s", got)
		}
	}
	if got := ask(strings.NewReader(`{"files": []}`)); got != "400 bad-request: the body has 0 files, expected 1 to 100" {
		t.Errorf("after them: %s", got)
	}
}

// filesBackend has no files in force.
type filesBackend struct{ pageBackend }

func (b filesBackend) Matrix(_ context.Context, r matrixRequest) (api.Matrix, error) {
	var err error
	if r.suppose.World, err = withFiles(b.World(), nil, r.files); err != nil {
		return api.Matrix{}, err
	}
	return matrixOf(b.World(), nil, r), nil
}

// errorText returns the status, code and message of an answer.
func errorText(t *testing.T, rec *httptest.ResponseRecorder) string {
	t.Helper()
	var e api.Error
	if err := json.Unmarshal(rec.Body.Bytes(), &e); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s: %s", rec.Code, e.Code, e.Message)
}

// The files of a request stand in the place of all files of their kind, or of those with
// their names.
func TestReplaced(t *testing.T) {
	files := func(names ...string) (out []strict.File) {
		for _, name := range names {
			out = append(out, strict.File{Name: name, Data: []byte(name)})
		}
		return out
	}
	for _, tt := range []struct {
		name, how string
		given     []strict.File
		want      string
	}{
		{"none", "", nil, "[]"},
		{"one that is there", "", files("b"), "[a b]"},
		{"one that is not there", "", files("c"), "[c]"},
		{"one of two is there", "", files("b", "c"), "[b c]"},
		{"all, though it is there", "all", files("b"), "[b]"},
		{"besides", "named", files("c"), "[a b c]"},
		{"none in the place of all", "all", nil, "[]"},
	} {
		names := []string{}
		for _, f := range replaced(files("a", "b"), tt.given, tt.how) {
			names = append(names, f.Name)
		}
		if got := fmt.Sprint(names); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// One request is worked on, and few wait. Who gives up makes room.
func TestTurns(t *testing.T) {
	turns := newTurns()
	leave, err := turns.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	for range maxTurns - 1 {
		go func() {
			leave, err := turns.enter(ctx)
			if err == nil {
				defer leave()
			}
			waiting <- err
		}()
	}
	for turns.queue.Load() < maxTurns { //nolint:staticcheck // until all wait
	}
	_, err = turns.enter(t.Context())
	if e := toHTTPError(err); e.status != http.StatusServiceUnavailable || e.body.Message != "8 other requests that cost much are under way, try again" {
		t.Errorf("%d %+v", e.status, e.body)
	}
	cancel()
	for range maxTurns - 1 {
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up has %v", err)
		}
	}
	leave()
	leave, err = turns.enter(t.Context())
	if err != nil || turns.queue.Load() != 1 {
		t.Fatalf("%v, %d are there", err, turns.queue.Load())
	}
	leave()
}

// No query makes the listener fail in itself.
func FuzzMatrixQuery(f *testing.F) {
	for _, query := range []string{"", "service=default/novel&rows=kind", "lost=zone:华南/ap-shenzhen&columns=set", "callerSet=qb&callerPlace=-&all=true", "limit=1&evacuate=set:qb.novel.z", "%", "rows=%00"} {
		f.Add(query)
	}
	h := handlerFor(pageBackend{t: &testing.T{}}, serverconfig.Admin{})
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		for _, path := range []string{"matrix", "servicestates", "timeline"} {
			rec := call(h, "GET", "127.0.0.1", "/setrouter/v1/"+path+"?"+values.Encode(), nil)
			if rec.Code != 200 && rec.Code != 400 && rec.Code != 404 {
				t.Errorf("%s %q: %d %s", path, query, rec.Code, rec.Body)
			}
		}
	})
}

// Callers of a name that there is not are a slip, and not nobody.
func TestCallersOfNoService(t *testing.T) {
	h := newHandler(pageBackend{t: t}, "")
	if got, want := errorText(t, call(h, "GET", "127.0.0.1", "/setrouter/v1/callers?service=default/nope", nil)),
		`404 not-found: there is no service "default/nope", nor a lane address of that name`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
