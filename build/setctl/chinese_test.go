package main

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// The other tests of this package want English, whatever the language of the machine.
func TestMain(m *testing.M) {
	os.Setenv("LC_ALL", "C.UTF-8")
	os.Exit(m.Run())
}

// aNight is a status with much that is wrong, and the nodes.
func aNight() (api.Status, api.Cluster) {
	now := time.Date(2026, 11, 29, 2, 0, 0, 0, time.UTC)
	away, from := now.Add(-3*time.Minute), now.Add(time.Hour)
	kind := func(state string, usable, sent, callers int) api.KindState {
		return api.KindState{
			Service: "default/order", Rule: "order", Kind: "qb.novel.h in 华南/ap-shenzhen", State: state, Tier: "own", Level: "zone",
			Callers: callers, Example: netip.MustParseAddr("10.1.0.1"), Usable: usable, Sent: sent,
		}
	}
	s := api.Status{
		Now: now, Started: now.Add(-time.Hour),
		Load:    api.NewLoadStatus([]world.RoadLoad{{Service: "default/order", Rule: "order", Tier: "pool", Level: "all", Where: "qb.novel.* in 华南/ap-shenzhen", Usable: 2, Seen: 90, Times: 6}}, true, 1),
		Backing: []api.Backing{{Kind: api.BackingStore, Name: "defaultStore", AwayAt: &away, Problem: "connection refused"}, {Kind: api.BackingHeartbeats, Name: "heartbeatRedis"}},
		Files: []api.Files{
			{Kind: "mapping", Names: []string{"m.csv"}, Entries: 2, LoadedAt: now.Add(-time.Minute), Problems: []string{
				`m.csv:2:20: zone "NULL" is how exports write that there is none, expected an empty cell, or no key zone`,
				"refused: 2 of 3 entries that say a SET would leave their addresses without one (66.7%), as m.csv:2 (10.1.0.0/16); more than 30% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force",
			}},
			{Kind: "routing", Names: []string{"r.yaml"}, Entries: 1, LoadedAt: now.Add(-time.Minute)},
		},
		Rules: []api.RuleStatus{{Name: "order", File: "r.yaml", Line: 3, Mode: "enforce", Percent: 12.5, By: "caller"}},
		Evacuations: []api.Evacuation{
			{ID: "1234abcd", Kind: "zone", Place: "华南/ap-shenzhen", Until: now.Add(time.Hour), InForce: true, Reason: "机房断电", Reach: world.Reach{
				LeftKinds: 1, Left: []world.Left{{Service: "default/order", Rule: "order", Callers: "qb.novel.h in 华南/ap-shenzhen", Address: "10.1.0.1", Usable: 1, Instances: 2, Seen: 3}},
			}},
			{ID: "5678abcd", Kind: "set", Place: "qb.novel.x", From: &from, Until: now.Add(2 * time.Hour), Instances: 2, Reason: "test"},
		},
		Protocols: []api.Protocol{{Name: "service-grpc", Routed: true}, {Name: "service-l5"}},
		Callers: api.Callers{
			Seen: 99, Unmapped: 2, Share: 0.25, First: []world.Stranger{{Address: "10.9.0.1", Known: "-", Share: 0.25}},
			Untold: []explain.Untold{{Peer: "10.9.0.2", Why: `X-Forwarded-For is "", which is empty where the address of the caller should be`, Requests: 3}},
		},
		State: api.CallerStates{
			Complete: true, Counts: map[string]int{"unusable": 3, "widened": 1, "unknown": 2, "first": 93}, Notes: []string{"without those of 10.0.0.3:8091, which does not answer within 2s"},
			Kinds: []api.KindState{kind("unusable", 0, 2, 3), kind("widened", 1, 2, 1), kind("unknown", 0, 0, 2)},
		},
	}
	nodes := api.NewCluster([]api.Node{
		{Address: "10.0.0.1:8091", Self: true, Healthy: true, Summary: &api.Summary{Files: []api.NodeFiles{{Kind: "routing", Digest: "abc"}}, Instances: 9, Services: 2}},
		{Address: "10.0.0.2:8091", Healthy: true, Problem: "does not answer within 2s"},
	}, []api.Difference{{About: api.AboutSilent, Node: "10.0.0.2:8091", Text: "10.0.0.2:8091 does not answer within 2s"}})
	s.Health = api.NewHealth(s, nodes)
	return s, nodes
}

// setAdmin starts a listener that answers to status and nodes.
func setAdmin(t *testing.T, s api.Status, nodes api.Cluster) {
	mux := http.NewServeMux()
	mux.HandleFunc("/setrouter/v1/status", func(w http.ResponseWriter, _ *http.Request) { _ = writeJSON(w, s) })
	mux.HandleFunc("/setrouter/v1/nodes", func(w http.ResponseWriter, _ *http.Request) { _ = writeJSON(w, nodes) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Setenv("SETROUTER_SERVER", server.URL)
}

// A status is the same in both languages, and JSON has one.
func TestStatusInChinese(t *testing.T) {
	s, nodes := aNight()
	setAdmin(t, s, nodes)
	_, english, _ := here("status")
	_, asJSON, _ := here("status", "-o", "json")
	golden(t, filepath.Join("testdata", "status.txt"), english)
	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	code, zh, errs := here("status")
	golden(t, filepath.Join("testdata", "status.zh.txt"), zh)
	if code != 1 || errs != "" {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if _, same, _ := here("status", "-o", "json"); same != asJSON {
		t.Errorf("JSON differs (-English +Chinese):\n%s", cmp.Diff(asJSON, same))
	}
}

// Dry runs, refusals and wrong flags of evacuate, whole.
func TestEvacuateInChinese(t *testing.T) {
	evacuationFiles(t)
	t.Setenv("SETROUTER_SERVER", "http://127.0.0.1:1")
	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	var out strings.Builder
	for _, args := range []string{
		"--zone south/szz --file evacuate.yaml --dump dump.yaml --for 30m --reason x --dry-run",
		"--region east --file evacuate.yaml --dump dump.yaml --for 30m --reason x",
		"--zone south/sz --file evacuate.yaml --dump dump.yaml --for 30m --reason x",
		"--zone south/sz --file routing.yaml --dump dump.yaml --for 30m --reason x",
		"--zone south/sz --file evacuate.yaml --for 31m --reason x",
		"--zone sz --file evacuate.yaml --for 1m --reason x",
		"--set a.b --file evacuate.yaml --for 1m --reason x",
		"--region south --file evacuate.yaml --for 1m",
		"--end 12345678 --file evacuate.yaml",
	} {
		_, text, errs := here(append([]string{"evacuate"}, strings.Fields(args)...)...)
		out.WriteString("$ setctl evacuate " + args + "\n" + text + errs + "\n")
	}
	changing := regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:]+(?:Z|[+-]\d\d:\d\d)|\b[0-9a-f]{8}(?:[0-9a-f]{4})?\b`)
	golden(t, filepath.Join(packageDir, "testdata", "evacuate.zh.txt"), changing.ReplaceAllString(out.String(), "..."))
}

// The language is that of the first variable that says one, as everywhere.
func TestLanguage(t *testing.T) {
	const english, zh = "setctl: \"statsu\" is no command; did you mean \"status\"?\n", "setctl: 没有命令 \"statsu\"；是不是 \"status\"？\n"
	for _, tt := range []struct{ all, messages, lang, want string }{
		{"", "", "zh_CN.UTF-8", zh},
		{"", "", "zh", zh},
		{"", "zh_TW.UTF-8", "en_US.UTF-8", zh},
		{"C", "", "zh_CN.UTF-8", english},
		{"", "en_US.UTF-8", "zh_CN.UTF-8", english},
		{"", "", "", english},
	} {
		t.Setenv("LC_ALL", tt.all)
		t.Setenv("LC_MESSAGES", tt.messages)
		t.Setenv("LANG", tt.lang)
		if code, _, errs := here("statsu"); code != 2 || errs != tt.want {
			t.Errorf("%v: exit code %d: %q", tt, code, errs)
		}
	}
}
