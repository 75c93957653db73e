package httpfiles

import (
	"context"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Polaris starts a goroutine as it is linked in.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// rig is a Source of the addresses below one server, whose answers change.
type rig struct {
	*Source
	t      *testing.T
	server *httptest.Server
	handle atomic.Pointer[http.HandlerFunc]
}

// newRig returns a rig whose configuration names PATHS below the server, and the CMDB
// below it.
func newRig(t *testing.T, handle http.HandlerFunc, config serverconfig.HTTP) *rig {
	t.Helper()
	r := &rig{t: t}
	r.handle.Store(&handle)
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { (*r.handle.Load())(w, q) }))
	t.Cleanup(r.server.Close)
	for i := range config.Files {
		config.Files[i] = r.server.URL + config.Files[i]
	}
	if config.CMDB != "" {
		config.CMDB = r.server.URL + config.CMDB
	}
	r.Source = r.open(config)
	return r
}

func (r *rig) open(config serverconfig.HTTP) *Source {
	r.t.Helper()
	s, err := New("mapping", config)
	if err != nil {
		r.t.Fatal(err)
	}
	s.copyFile = filepath.Join(r.t.TempDir(), "copy.json")
	return s
}

// answer is the handler from now on.
func (r *rig) answer(handle http.HandlerFunc) { r.handle.Store(&handle) }

// text returns what a Read has, without the server's address.
func (r *rig) read(urgency livefile.Urgency) string {
	r.t.Helper()
	var problems strict.Problems
	reading, ok := r.Read(urgency, &problems)
	if !ok {
		r.t.Fatal("the source asks for time")
	}
	return r.shown(reading.Files, &problems)
}

func (r *rig) shown(files []strict.File, problems *strict.Problems) string {
	var b strings.Builder
	for _, file := range files {
		fmt.Fprintf(&b, "%s=%s\n", file.Name, file.Data)
	}
	for _, p := range problems.List() {
		fmt.Fprintf(&b, "! %s\n", p)
	}
	return strings.ReplaceAll(b.String(), r.server.URL, "URL")
}

func answers(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}

// What an address answers, and what is said of it (docs/design.md, 3).
func TestAnswers(t *testing.T) {
	const good = "match,region\n10.0.0.0/8,r\n"
	for name, c := range map[string]struct {
		path   string
		handle http.HandlerFunc
		want   string
	}{
		"a file":       {"/m.csv?key=secret", answers(good), "URL/m.csv=" + good + "\n"},
		"not found":    {"/m.csv?key=secret", http.NotFound, "! URL/m.csv: answered \"404 Not Found\", expected 200\n"},
		"a login page": {"/m.csv", answers("\n <!DOCTYPE html><html>login</html>"), "! URL/m.csv: answered with a page of HTML, expected YAML or CSV: it may be a login page or that of a proxy\n"},
		"nothing":      {"/m.csv", answers("  \n"), "! URL/m.csv: is empty; delete the file or give it content\n"},
		"no text":      {"/m.csv", answers("match\n\xff\xfe"), "! URL/m.csv: is not UTF-8 text; save it as UTF-8\n"},
		"too much":     {"/m.csv", answers(strings.Repeat("x", 2<<20)), "! URL/m.csv: the answer is larger than 1 MiB, the limit\n"},
		"CSV by its type": {"/export?format=csv", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/csv; charset=utf-8")
			_, _ = w.Write([]byte(good))
		}, "! URL/export: answered with CSV, and the address ends otherwise; write URL/export#.csv\n"},
		"CSV that is said": {"/export?format=csv#.csv", func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Type", "text/csv")
			fmt.Fprintf(w, "%s", q.URL.RawQuery+q.URL.Fragment)
		}, "URL/export#.csv=format=csv\n"},
		"half a body": {"/m.csv", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(good))
		}, "! URL/m.csv: cannot be fetched: the answer ended too early\n"},
		"half a body in chunks": {"/m.csv", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(good))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "! URL/m.csv: cannot be fetched: the answer ended too early\n"},
		"no answer in time": {"/m.csv", func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }, "! URL/m.csv: cannot be fetched: there was no whole answer in time\n"},
		"an answer that drips": {"/m.csv", func(w http.ResponseWriter, q *http.Request) {
			_, _ = w.Write([]byte(good))
			w.(http.Flusher).Flush()
			<-q.Context().Done()
		}, "! URL/m.csv: cannot be fetched: there was no whole answer in time\n"},
		"a redirect": {"/m.csv", func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/m.csv" {
				http.Redirect(w, q, "/elsewhere", http.StatusFound)
				return
			}
			_, _ = w.Write([]byte(good + q.Header.Get("Referer")))
		}, "URL/m.csv=" + good + "\n"},
		"redirects in a ring": {"/m.csv?key=secret", func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, "/m.csv?key=secret", http.StatusFound)
		},
			"! URL/m.csv: cannot be fetched: there are more than 5 redirects\n"},
		"what is no HTTP": {"/m.csv", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = conn.Write([]byte("SSH-2.0\r\n\r\n"))
			conn.Close()
		}, "! URL/m.csv: cannot be fetched: net/http: HTTP/1.x transport connection broken: malformed HTTP response \"SSH-2.0\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.handle, serverconfig.HTTP{Files: []string{c.path}})
			r.limits = limits{whole: 300 * time.Millisecond, bytes: 1 << 20}
			if name == "a file" || name == "too much" {
				r.limits.whole = time.Minute
			}
			if diff := cmp.Diff(c.want, r.read(livefile.UrgencyNow)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Nobody listens: the words are the same at each try, so that one fault is one problem.
func TestAway(t *testing.T) {
	r := newRig(t, answers("a"), serverconfig.HTTP{Files: []string{"/a.yaml"}})
	r.read(livefile.UrgencyNow)
	r.server.Close()
	want := "URL/a.yaml=a\n! URL/a.yaml: cannot be fetched: connection refused\n"
	if diff := cmp.Diff(want, r.read(livefile.UrgencyNow)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.fetchAll(t.Context())
	if r.Changed() {
		t.Error("the same fault is a change")
	}
	name := "no-such-host.invalid"
	s := r.open(serverconfig.HTTP{Files: []string{"https://" + name + "/m.csv"}})
	s.fetchAll(t.Context())
	if err := s.Fetches()[0].Err; err == nil || !strings.HasPrefix(err.Error(), "cannot be fetched: "+name+": ") {
		t.Errorf("%v", err)
	}
}

// A text is fetched once, and asked for by its ETag from then on. Only another text, a
// fault and its end are changes.
func TestETag(t *testing.T) {
	var body, tag atomic.Value
	body.Store("one")
	tag.Store(`"1"`)
	var whole atomic.Int32
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("ETag", tag.Load().(string))
		if q.Header.Get("If-None-Match") == tag.Load().(string) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		whole.Add(1)
		_, _ = w.Write([]byte(body.Load().(string)))
	}, serverconfig.HTTP{Files: []string{"/a.yaml"}})
	step := func(what string, wantChanged bool, wantWhole int32, want string) {
		t.Helper()
		r.fetchAll(t.Context())
		if changed := r.Changed(); changed != wantChanged || whole.Load() != wantWhole {
			t.Errorf("%s: changed %t, %d whole answers, want %t, %d", what, changed, whole.Load(), wantChanged, wantWhole)
		}
		if got := r.read(livefile.UrgencyNone); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	step("first", true, 1, "URL/a.yaml=one\n")
	step("the same", false, 1, "URL/a.yaml=one\n")
	tag.Store(`"2"`)
	step("the same under another tag", false, 2, "URL/a.yaml=one\n")
	body.Store("two")
	tag.Store(`"3"`)
	step("another text", true, 3, "URL/a.yaml=two\n")
	handle := *r.handle.Load()
	r.answer(http.NotFound)
	step("away", true, 3, "URL/a.yaml=two\n! URL/a.yaml: answered \"404 Not Found\", expected 200\n")
	r.answer(handle)
	step("back", true, 3, "URL/a.yaml=two\n")
}

// The token goes where the configuration says, and nowhere else.
func TestToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		fmt.Fprintf(w, "elsewhere %q %q", q.Header.Get("Authorization"), q.Header.Get("Referer"))
	}))
	t.Cleanup(other.Close)
	echo := func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/moved.yaml" {
			http.Redirect(w, q, other.URL, http.StatusFound) // another port of the same machine
			return
		}
		fmt.Fprintf(w, "%q", q.Header.Get("Authorization"))
	}
	for _, c := range []struct {
		path   string
		config serverconfig.HTTP
		want   string
	}{
		{"/a.yaml", serverconfig.HTTP{}, "URL/a.yaml=\"\"\n"},
		{"/a.yaml", serverconfig.HTTP{Token: "t1"}, "URL/a.yaml=\"Bearer t1\"\n"},
		{"/a.yaml", serverconfig.HTTP{Token: "Token t1"}, "URL/a.yaml=\"Token t1\"\n"},
		{"/a.yaml", serverconfig.HTTP{TokenFile: file}, "URL/a.yaml=\"Bearer from-file\"\n"},
		{"/moved.yaml", serverconfig.HTTP{Token: "t1"}, "URL/moved.yaml=elsewhere \"\" \"\"\n"},
		{"/a.yaml", serverconfig.HTTP{TokenFile: "nowhere"}, "! URL/a.yaml: tokenFile: open nowhere: no such file or directory\n"},
		{"/a.yaml", serverconfig.HTTP{Token: "t1\nX: y"}, "! URL/a.yaml: cannot be fetched: net/http: invalid header field value for \"Authorization\"\n"},
	} {
		c.config.Files = []string{c.path}
		r := newRig(t, echo, c.config)
		if diff := cmp.Diff(c.want, r.read(livefile.UrgencyNow)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.config, diff)
		}
	}
}

// A server with a certificate of an own CA is believed by caFile only.
func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(answers("a"))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	fetch := func(caFile string) error {
		s, err := New("mapping", serverconfig.HTTP{Files: []string{server.URL + "/a.yaml"}, CAFile: caFile})
		if err != nil {
			return err
		}
		s.fetchAll(t.Context())
		return s.Fetches()[0].Err
	}
	if err := fetch(ca); err != nil {
		t.Error(err)
	}
	if err := fetch(""); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v, want that the certificate is not known", err)
	}
	for name, want := range map[string]string{
		"nowhere":        "caFile: open nowhere: no such file or directory",
		"source_test.go": "caFile: source_test.go has no certificate, expected PEM",
	} {
		if err := fetch(name); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What is in force is on disk for the next start, and for the same addresses only.
func TestCopy(t *testing.T) {
	config := serverconfig.HTTP{Files: []string{"/a.yaml?key=secret", "/b.csv"}}
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) { fmt.Fprint(w, q.URL.Path) }, config)
	if err := r.Probe(); err != nil {
		t.Fatal(err)
	}
	var problems strict.Problems
	reading, _ := r.Read(livefile.UrgencyNow, &problems)
	if err := reading.Keep(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(r.copyFile)
	if err != nil || strings.Contains(string(text), "secret") {
		t.Errorf("%s, %v", text, err)
	}
	r.server.Close()
	next := r.open(config)
	missing := next.Probe()
	want := "URL/a.yaml: cannot be fetched: connection refused\nURL/b.csv: cannot be fetched: connection refused; and no copy on disk can stand in: open COPY: no such file or directory"
	if got := strings.ReplaceAll(strings.ReplaceAll(fmt.Sprint(missing), r.server.URL, "URL"), next.copyFile, "COPY"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	next.copyFile = r.copyFile
	if err := next.Probe(); err != nil {
		t.Error(err)
	}
	back, err := next.Copy()
	if err != nil {
		t.Fatal(err)
	}
	if got := r.shown(back.Files, &problems); got != "URL/a.yaml=/a.yaml\nURL/b.csv=/b.csv\n" || back.SavedAt.IsZero() {
		t.Errorf("%s of %v", got, back.SavedAt)
	}
	other := r.open(serverconfig.HTTP{Files: config.Files[:1]})
	other.copyFile = r.copyFile
	if _, err := other.Copy(); err == nil || !strings.Contains(err.Error(), "expected a copy of") {
		t.Errorf("%v, want that the copy is of other addresses", err)
	}
	if err := os.WriteFile(r.copyFile, []byte(`{"version": 2, "sources": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Copy(); err == nil || err.Error() != r.copyFile+": version 2, expected 1: another version of setrouter wrote it, and it is not used" {
		t.Errorf("%v, want that the copy is of another version", err)
	}
}

// Run fetches at each interval, and sooner after a fault.
func TestRun(t *testing.T) {
	var asked atomic.Int32
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, asked.Add(1)) }, serverconfig.HTTP{Files: []string{"/a.yaml"}, Interval: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	deadline := time.After(20 * time.Second)
	for asked.Load() < 3 {
		select {
		case <-deadline:
			t.Fatal("it is not fetched again")
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	<-done
	r.config.Interval = time.Hour
	if got := r.wait(); got != time.Hour {
		t.Errorf("it waits %v", got)
	}
	r.answer(http.NotFound)
	r.fetchAll(t.Context())
	if got := r.wait(); got != retryAfter {
		t.Errorf("after a fault it waits %v", got)
	}
}

// A port at which nobody answers a connection costs no more than the time for it.
func TestSilentPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	r := newRig(t, answers(""), serverconfig.HTTP{})
	s := r.open(serverconfig.HTTP{Files: []string{"http://" + listener.Addr().String() + "/m.csv"}})
	s.limits.whole = 50 * time.Millisecond
	s.fetchAll(t.Context())
	if err := s.Fetches()[0].Err; err != errSlow {
		t.Errorf("%v", err)
	}
}

// The first load after a probe asks no second time, and whoever reloads later asks again.
func TestProbeIsNotRepeated(t *testing.T) {
	var asked atomic.Int32
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, asked.Add(1)) }, serverconfig.HTTP{Files: []string{"/a.yaml"}})
	if err := r.Probe(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"URL/a.yaml=1\n", "URL/a.yaml=2\n"} {
		if got := r.read(livefile.UrgencyNow); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
