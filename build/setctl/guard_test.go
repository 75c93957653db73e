package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Plan, and check with a server, say what the shrink guard of the server would refuse.
func TestShrinkGuardIsForeseen(t *testing.T) {
	const (
		mapping = "match,region,set\n127.0.0.0/8,r,\n127.1.0.0/16,,a.b.c\n127.2.0.0/16,,a.b.*\n"
		routing = "version: 1\nrules:\n  - {name: one, service: default/s, set: {}}\n  - {name: two, service: default/t, nearby: {}}\n"
		noSETs  = "match,region\n127.0.0.0/8,r\n127.1.0.0/16,r\n127.2.0.0/16,r\n"
		half    = "version: 1\nrules:\n  - {name: one, service: default/s, set: {}}\n"

		end       = "; more than %d%% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force\n"
		lostSETs  = "refused: 2 of 2 entries that say a SET would leave their addresses without one (100%%), as conf/m.csv:3 (127.1.0.0/16); 1 of 1 callers seen lately would lose their SET, their place or everything (100%%), as 127.1.0.1 the SET of conf/m.csv:3 (127.1.0.0/16)" + end
		lostRules = "refused: 1 of 2 rules would be lost (50%%), as rule \"two\" of conf/r.yaml:4" + end
	)
	dir := t.TempDir()
	for name, text := range map[string]string{"m.csv": noSETs, "r.yaml": half, "same.csv": mapping} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, tt := range []struct {
		name    string
		percent string // in the status; empty: an older server
		args    []string
		want    string
	}{
		{"plan of a mapping", "30", []string{"plan", "--mapping", at("m.csv")}, fmt.Sprintf("mapping files: without --force the server would not take them: "+lostSETs+"\n", 30)},
		{"plan of an older server", "", []string{"plan", "--mapping", at("m.csv")}, fmt.Sprintf("mapping files: without --force the server would not take them: "+lostSETs+"\n", 30)},
		{"plan of both", "49", []string{"plan", "--mapping", at("m.csv"), "--routing", at("r.yaml")},
			fmt.Sprintf("mapping files: without --force the server would not take them: "+lostSETs+"\nrouting files: without --force the server would not take them: "+lostRules+"\n", 49, 49)},
		{"plan of less than the limit", "50", []string{"plan", "--routing", at("r.yaml")}, ""},
		{"plan of what is in force", "0", []string{"plan", "--mapping", at("same.csv")}, ""},
		{"check of routing", "30", []string{"check", at("r.yaml")}, fmt.Sprintf(at("r.yaml")+": warning: without --force the server would not take these routing files: "+lostRules, 30)},
		{"check of a mapping", "0", []string{"check", at("m.csv")}, fmt.Sprintf(at("m.csv")+": warning: without --force the server would not take these mapping files: "+lostSETs, 0)},
		{"check of what is in force", "0", []string{"check", at("same.csv")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/status") {
					fmt.Fprint(w, map[bool]string{true: "{}", false: `{"shrinkGuardPercent": ` + tt.percent + `}`}[tt.percent == ""])
					return
				}
				_ = json.NewEncoder(w).Encode(world.Dump{
					Mapping: []world.Text{{Name: "conf/m.csv", Content: mapping}}, Routing: []world.Text{{Name: "conf/r.yaml", Content: routing}},
					Callers: []world.Seen{{Addr: netip.MustParseAddr("127.1.0.1"), Requests: 1}},
				})
			}))
			defer s.Close()
			code, out, errs := setctl(t, append(tt.args, "--server", s.URL)...)
			var got []string
			for line := range strings.Lines(out) {
				if strings.Contains(line, "refused") || strings.Contains(line, "(shrinkGuardPercent)") {
					got = append(got, line)
				}
			}
			want := strings.ReplaceAll(tt.want, "\n\n", "\n")
			if text := strings.Join(got, ""); text != want || code != 0 || errs != "" {
				t.Errorf("exit code %d, %s%s\nwant %s", code, text, errs, want)
			}
		})
	}
}
