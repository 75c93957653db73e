package configcenter

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/strict"
)

// FuzzCopy starts a server without its config center over any copy on disk: what is
// in force is what the copy says, or nothing, with a reason.
func FuzzCopy(f *testing.F) {
	f.Add([]byte(`{"version":1,"savedAt":"2026-11-24T00:00:00Z","contents":[{"name":"` + centerName + `","content":"one\ntwo\n"}]}`))
	f.Add([]byte(`{"version":1,"contents":null}`))
	f.Add([]byte(`{"version":2,"contents":[{"name":"` + centerName + `","content":"one"}]}`))
	f.Add([]byte(`{"version":1,"contents":[{"name":"` + centerName + `","content":"bad"},{"name":"` + centerName + `","content":""}]} x`))
	name := filepath.Join(f.TempDir(), "copy.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		away := newSource(&fakeCenter{now: published{err: errors.New("away")}}, []string{centerName}, name)
		live, err := livefile.Open(livefile.Options[lines]{Sources: []livefile.Source{away}, Load: loadLines})
		if err != nil {
			t.Fatal(err)
		}
		before := live.Get()
		live.Start()
		status := live.Status()
		var c diskCopy
		if json.Unmarshal(data, &c) != nil || c.Version != 1 {
			if status.CopyErr == nil {
				t.Fatal("a copy of another form is in force")
			}
		}
		switch {
		case status.CopyErr != nil && (live.Get() != before || !status.CopiedAt.IsZero() && len(live.Files()) > 0):
			t.Fatalf("refused (%v), and in force: %+v", status.CopyErr, status)
		case status.CopyErr == nil && (len(live.Files()) != 1 || live.Files()[0].Name != centerName):
			t.Fatalf("in force %v", live.Files())
		case status.CopyErr == nil:
			want, count, err := loadLines([]strict.File{live.Files()[0]})
			if err != nil || count != status.Count || want == nil {
				t.Fatalf("in force %+v, which does not load: %v", status, err)
			}
		}
	})
}
