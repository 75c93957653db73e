package serverfiles

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// fetched is a server with one text, and the options of files that are there and on disk.
func fetched(t *testing.T) (server *httptest.Server, text *atomic.Value, options Options[string]) {
	t.Chdir(t.TempDir()) // the copy is in data/
	text = &atomic.Value{}
	text.Store("one")
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if text.Load() == "" {
			http.Error(w, "away", http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, text.Load())
	}))
	t.Cleanup(server.Close)
	write(t, "disk.txt", "disk ")
	return server, text, Options[string]{
		Kind: "mapping", Names: []string{"disk.txt"}, Load: loadText,
		HTTP: serverconfig.HTTP{Files: []string{server.URL + "/m.yaml?key=secret"}, Interval: 20 * time.Millisecond},
	}
}

// inForce waits for a value, and for words in the error of the status.
func inForce(t *testing.T, files *Files[string], value, fault string) {
	t.Helper()
	polaristest.Wait(t, func() error {
		s := files.Status()
		if got := *files.Get(); got != value || (s.Err == nil) != (fault == "") || s.Err != nil && !strings.Contains(s.Err.Error(), fault) {
			return fmt.Errorf("%q, %v in force, want %q, %q", got, s.Err, value, fault)
		}
		return nil
	})
}

// Files over HTTP are followed beside files on disk, and the last good ones stay.
func TestOverHTTP(t *testing.T) {
	server, text, options := fetched(t)
	files, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { files.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	inForce(t, files, "disk one", "")
	text.Store("two")
	inForce(t, files, "disk two", "")
	text.Store("")
	inForce(t, files, "disk two", server.URL+"/m.yaml: answered \"502 Bad Gateway\", expected 200")
	text.Store("bad")
	inForce(t, files, "disk two", "bad text")
	text.Store("three")
	inForce(t, files, "disk three", "")
	if f := files.Status().Fetches; len(f) != 1 || f[0].Err != nil || f[0].FetchedAt.IsZero() || strings.Contains(f[0].Address, "secret") {
		t.Errorf("%+v", f)
	}
}

// With the source away a start takes the copy on disk; without a copy it fails, or with
// startWithout begins without files.
func TestStartWithoutTheSource(t *testing.T) {
	server, text, options := fetched(t)
	text.Store("")
	_, err := Open(options)
	want := "mapping: " + server.URL + "/m.yaml: answered \"502 Bad Gateway\", expected 200; and no copy on disk can stand in: open " +
		filepath.Join("data", "setrouter", "mapping-http.json") + ": no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	text.Store("bad")
	if _, err := Open(options); err == nil || !strings.HasPrefix(err.Error(), "mapping: bad text") {
		t.Errorf("%v, want that the text is bad", err)
	}

	options.HTTP.StartWithout = true
	text.Store("")
	files, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	inForce(t, files, "", "502")
	text.Store("one")
	if err := files.Reload(false); err != nil {
		t.Fatal(err)
	}
	inForce(t, files, "disk one", "")

	options.HTTP.StartWithout = false
	text.Store("")
	files, err = Open(options)
	if err != nil {
		t.Fatal(err)
	}
	inForce(t, files, "disk one", "502")
	if files.Status().CopiedAt.IsZero() {
		t.Error("the status does not say that the copy is in force")
	}
	text.Store("one")
	if err := files.Reload(false); err != nil || !files.Status().CopiedAt.IsZero() {
		t.Errorf("%v, the copy of %v is in force", err, files.Status().CopiedAt)
	}
}
