package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// reload says what came of it on each node, and ends with 1 where not everything is in
// force.
func TestReload(t *testing.T) {
	good := []api.Reloaded{{Kind: "mapping", OK: true, Entries: 5, Problems: []string{}}, {Kind: "routing", OK: true, Entries: 2, Problems: []string{}}}
	bad := []api.Reloaded{{Kind: "mapping", Entries: 5, Problems: []string{"refused: \"much\" \x1b[2J\nwould be lost"}}}
	const badText = "mapping: REFUSED, what was in force stays, 5 entries\n  %srefused: \"much\" \uFFFD[2J\uFFFDwould be lost\n"
	all := func(ok bool, notes []string, list ...api.NodeReload) api.ClusterReload {
		return api.ClusterReload{OK: ok, Notes: notes, Nodes: list}
	}
	for _, tt := range []struct {
		name, args string
		wantQuery  string
		status     int
		answer     any
		wantCode   int
		want       string
	}{
		{"here", "reload", "POST /setrouter/v1/reload?force=false", 200, good, 0, "mapping: in force, 5 entries\nrouting: in force, 2 entries\n"},
		{"refused here", "reload --force", "POST /setrouter/v1/reload?force=true", 200, bad, 1, fmt.Sprintf(badText, "")},
		{"everywhere", "reload --force --all-nodes", "POST /setrouter/v1/nodes/reload?force=true", 200,
			all(true, nil, api.NodeReload{Address: "a:1", Self: true, Healthy: true, Files: good}, api.NodeReload{Address: "b:1", Healthy: true, Files: good[:1]}), 0,
			"a:1  this one\n  mapping: in force, 5 entries\n  routing: in force, 2 entries\nb:1\n  mapping: in force, 5 entries\n"},
		{"not everywhere", "reload --all-nodes", "POST /setrouter/v1/nodes/reload?force=false", 200,
			all(false, []string{"others may be missing"}, api.NodeReload{Address: "a:1", Self: true, Healthy: true, Files: bad}, api.NodeReload{Address: "b:1", Problem: "does not answer within 45s\n"}), 1,
			"a:1  this one\n  " + fmt.Sprintf(badText, "  ") + "b:1  dropped by Polaris\n  NOT RELOADED: it does not answer within 45s\uFFFD\nNOTE  others may be missing\n"},
		{"an older server", "reload --all-nodes", "POST /setrouter/v1/nodes/reload?force=false", 404, api.Error{Message: "there is nothing"}, 1,
			"setctl: the server is older than this setctl, and cannot reload all nodes; run setctl reload on each node\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			query := ""
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				query = r.Method + " " + r.URL.String()
				w.WriteHeader(tt.status)
				_ = json.NewEncoder(w).Encode(tt.answer)
			}))
			defer s.Close()
			code, out, errs := setctl(t, append(strings.Fields(tt.args), "--server", s.URL)...)
			if code != tt.wantCode || query != tt.wantQuery {
				t.Errorf("exit code %d of %s, want %d of %s", code, query, tt.wantCode, tt.wantQuery)
			}
			if diff := cmp.Diff(tt.want, out+errs); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
