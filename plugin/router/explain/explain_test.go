package explain_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/chinese"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/cases"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Explanations as people and programs read them.
func TestGolden(t *testing.T) {
	var problems strict.Problems
	file := cases.Load("testdata/world.yaml", &problems)
	if file == nil {
		t.Fatal(problems.Err())
	}
	tests := []struct {
		name, caller, service string
		set                   location.SET
	}{
		{"own", "10.1.9.1", "default/server-b", ""},
		{"pool", "10.2.9.1", "default/server-b", ""},
		{"override", "10.9.9.9", "default/server-b", "qb.novel.h"},
		{"stranger", "10.9.9.9", "default/server-b", ""},
		{"nearby", "10.3.0.1", "default/svc-a", ""},
		{"no-rule", "10.3.0.1", "default/plain", ""},
		{"rolled-out", "10.3.0.1", "default/off", ""},
		{"shadow", "10.1.9.1", "default/shadow", ""},
		{"lane-by-weight", "10.3.0.1", "default/old", ""},
		{"empty", "10.3.0.1", "default/bounded", ""},
		{"hostile", "10.3.0.1", "default/hostile", ""},
		{"several", "10.30.0.1", "default/server-b", ""},
		{"several-override", "10.30.0.1", "default/server-b", "qb.novel.h"},
		{"disagreement", "10.30.0.2", "default/server-b", ""},
		{"mapped-disagreement", "10.1.9.2", "default/server-b", ""},
		{"ignored-names", "10.31.0.1", "default/named", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			service, err := route.ParseService(tt.service)
			if err != nil {
				t.Fatal(err)
			}
			e := file.Explain(world.Request{Addr: netip.MustParseAddr(tt.caller), SET: tt.set, Service: service})
			var text, asJSON bytes.Buffer
			e.Text(&text)
			enc := json.NewEncoder(&asJSON)
			enc.SetIndent("", "  ")
			if err := enc.Encode(e); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+".txt", text.Bytes())
			golden(t, tt.name+".json", asJSON.Bytes())
			var zh bytes.Buffer
			e.Text(chinese.NewWriter(&zh))
			golden(t, tt.name+".zh.txt", zh.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), -update writes it anew:\n%s", path, diff)
	}
}
