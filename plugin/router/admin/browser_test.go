package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
)

// browser opens pages in a headless Chromium.
type browser struct {
	t        *testing.T
	language string // of its user; English where it is empty
}

func newBrowser(t *testing.T) browser {
	needs.Program(t, "chromium")
	return browser{t: t}
}

// networkChanged is what Chromium says of a page that it did not load, since an
// interface of the host came or went. Tests of other packages make interfaces.
const networkChanged = "Page load failed: net::ERR_NETWORK_CHANGED"

// open returns the document after some seconds of the page's own time, without
// the texts of scripts and styles.
func (b browser) open(url string, seconds int) string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for {
		stdout, stderr, err := b.dump(ctx, url, seconds)
		if strings.Contains(stderr, networkChanged) && ctx.Err() == nil {
			continue
		}
		if err != nil && !errors.Is(err, exec.ErrWaitDelay) || stdout == "" {
			b.t.Fatalf("chromium: %v\n%s", err, stderr)
		}
		return regexp.MustCompile(`(?s)(<(?:script|style)>).*?(</(?:script|style)>)`).ReplaceAllString(stdout, "$1$2")
	}
}

// dump runs Chromium, which writes the document to its standard output.
func (b browser) dump(ctx context.Context, url string, seconds int) (stdout, stderr string, err error) {
	return b.run(ctx, append(b.args(seconds), "--dump-dom", url))
}

// args are arguments for Chromium, with so much of the page's own time.
func (b browser) args(seconds int) []string {
	language := cmp.Or(b.language, "en-US")
	return []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--lang=" + language, "--accept-lang=" + language, "--user-data-dir=" + b.t.TempDir(), fmt.Sprintf("--virtual-time-budget=%d", seconds*1000),
	}
}

// run runs Chromium.
func (b browser) run(ctx context.Context, args []string) (stdout, stderr string, err error) {
	cmd := exec.CommandContext(ctx, "chromium", args...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	cmd.WaitDelay = 5 * time.Second
	var document, log strings.Builder
	cmd.Stdout, cmd.Stderr = &document, &log
	err = cmd.Run()
	return document.String(), log.String(), err
}

// withScript adds a script to the page, and to what the page's policy allows. The
// script does what a user does.
func withScript(next http.Handler, script string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		script := `
			const until = what => new Promise(done => { const look = () => what() ? done(what()) : setTimeout(look, 50); look(); });
			const sleep = ms => new Promise(done => setTimeout(done, ms));
			const said = text => document.body.append(Object.assign(document.createElement("output"), { textContent: text }));` + script
		w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		w.Header().Set("Content-Security-Policy", strings.Replace(rec.Header().Get("Content-Security-Policy"), "script-src ", "script-src "+hashSource([]byte(script))+" ", 1))
		fmt.Fprintf(w, "%s<script>%s</script>", rec.Body, script)
	})
}

func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/"
}

// wantText looks for texts as a reader sees them: of the document without its
// tags, white space as one blank.
func wantText(t *testing.T, dom string, texts ...string) {
	t.Helper()
	seen := textOf(dom)
	for _, want := range texts {
		if !strings.Contains(seen, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if t.Failed() {
		t.Logf("the page shows:\n%s", seen)
	}
}

func textOf(dom string) string {
	blank := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(dom, " ")
	return strings.Join(strings.Fields(blank), " ")
}
