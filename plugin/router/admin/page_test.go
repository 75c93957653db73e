package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// What clients can name things, to see whether the page takes it for markup.
const (
	hostileService = `default/<img src=x onerror=boom()>`
	hostileHost    = `<script>boom("host")</script>`
	hostileSET     = `<script>boom("set")</script>`
	hostileRegion  = `<script>boom("region")</script>`
)

const pageMapping = `match,region,zone,campus,set
10.1.0.0/16,华南,ap-shenzhen,ap-shenzhen-2,
10.1.7.0/24,,,,qb.novel.z
10.1.8.0/24,,,,qb.novel.*
10.2.0.0/16,华东,ap-shanghai,ap-shanghai-1,
10.2.7.0/24,,,,qb.novel.h
10.4.0.0/16,华北,ap-beijing,ap-beijing-3,epp.core.bj
`

const pageRouting = `
version: 1
rules:
  - {name: dashboards, service: default/*, when: {ip: [10.9.0.0/24]}}
  - {name: of-another, service: default/another, set: {}}
  - {name: novel, service: default/novel, set: {}, nearby: {}}
  - {name: trial, service: default/trial, set: {}, mode: shadow}
  - {name: fixed, service: default/fixed, set: {callee: qb.novel.z, tiers: [own, pool]}}
evacuate:
  - {zone: 华南/ap-guangzhou, until: 2026-12-01T18:00:00+08:00, reason: power}
`

var pageNow = time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC)

// pageState answers from a world, as a server does from its caches.
type pageState struct {
	t       *testing.T
	changes []api.Change
	broken  []string // why the routing files are refused
}

func (s pageState) World() *world.World {
	var problems strict.Problems
	w := &world.World{
		Now:   pageNow,
		Table: location.LoadMapping([]strict.File{{Name: "mapping.csv", Data: []byte(pageMapping)}}, &problems),
		Rules: route.Load([]strict.File{{Name: "routing.yaml", Data: []byte(pageRouting)}}, pageNow, &problems),
		Seen:  []world.Seen{{Addr: netip.MustParseAddr("10.1.7.4"), Requests: 75}, {Addr: netip.MustParseAddr("192.0.2.9"), Requests: 25}},
	}
	if err := problems.Err(); err != nil {
		s.t.Error(err)
	}
	add := func(service, host, set string, healthy bool) {
		w.Instances = append(w.Instances, world.Instance{
			ID: fmt.Sprint(len(w.Instances)), Service: serviceNamed(service), Host: host, Port: 8080,
			Metadata: map[string]string{location.MetaSetGroup: set}, Healthy: healthy, Weight: 100,
		})
	}
	add("default/novel", "10.1.7.4", "", true)
	add("default/novel", "10.1.7.5", "", false)
	add("default/novel", "10.1.8.1", "", true)
	add("default/novel", "10.2.7.1", "", false)
	add("default/trial", "10.1.7.4", "", true)
	add("default/trial", "10.2.7.1", "", true)
	add("default/fixed", "10.1.7.5", "", false)
	add("default/fixed", "10.2.7.1", "", true)
	add("default/plain", "10.1.7.9", "", true)
	add(hostileService, hostileHost, hostileSET, true)
	w.Instances[len(w.Instances)-1].Location.Region = hostileRegion
	return w
}

func serviceNamed(s string) route.Service {
	service, err := route.ParseService(s)
	if err != nil {
		panic(err)
	}
	return service
}

func (s pageState) Status() api.Status {
	w := s.World()
	return api.Status{
		Now: pageNow, Started: pageNow.Add(-5 * time.Hour), FailOpen: true,
		Files: []api.Files{
			{Kind: "mapping", Names: []string{"mapping.csv"}, Entries: 6, LoadedAt: pageNow.Add(-3 * time.Hour), TriedAt: pageNow, Problems: []string{}},
			{Kind: "routing", Names: []string{"routing.yaml"}, Entries: 4, LoadedAt: pageNow.Add(-20 * time.Minute), TriedAt: pageNow.Add(-12 * time.Second), Problems: append([]string{}, s.broken...)},
		},
		Rules: []api.RuleStatus{
			{Name: "novel", File: "routing.yaml", Line: 6, Mode: "enforce", Percent: 100},
			{Name: "trial", File: "routing.yaml", Line: 7, Mode: "shadow", Percent: 100},
		},
		Evacuations: []api.Evacuation{{
			ID: "0a1b2c3d", Kind: "zone", Place: "华南/ap-guangzhou", Until: pageNow.Add(6 * time.Hour), Reason: "power",
			InForce: true, File: "routing.yaml", Line: 10,
		}},
		Protocols: []api.Protocol{{Name: "service-grpc", Routed: true}, {Name: "service-eureka", Routed: false}},
		Warnings:  []strict.Problem{strict.Warning("routing.yaml", 5, 5, "rule %q never matches", "of-another")},
		Callers:   api.Callers{Seen: 2, Requests: 100, Unmapped: 1, Share: 0.25, First: w.Strangers()},
		Drift:     api.DriftStatus{Count: len(w.Drifts()), First: w.Drifts()},
		Kubernetes: &sources.Status{Clusters: []sources.Cluster{
			{Name: "bj", State: sources.StateLive, Heard: pageNow, Pods: 3, Nodes: 1, First: []sources.Invalid{}, Problems: []string{}},
			{Name: "sh", State: sources.StateAway, Heard: pageNow.Add(-time.Hour), Pods: 1, Invalid: 1, First: []sources.Invalid{{Pod: "qb/bad", Why: "no SET name"}}, Problems: []string{"connection refused"}},
		}},
	}
}

func (s pageState) Explain(q world.Request) (explain.Explanation, error) {
	return s.World().Explain(q), nil
}
func (s pageState) Identify(addr netip.Addr) location.Facts { return s.World().Identity(addr) }
func (s pageState) Dump() world.Dump                        { return world.NewDump(s.World(), nil, nil) }
func (s pageState) Reload(bool) []api.Reloaded              { return []api.Reloaded{} }
func (s pageState) PublishConfigFile(string, release.Edit, configcenter.Operator) (release.Published, error) {
	return release.Published{}, configcenter.ErrAbsent
}
func (s pageState) ConfigFile(string) (release.Saved, error) {
	return release.Saved{}, configcenter.ErrAbsent
}

func (s pageState) Nodes(context.Context) api.Cluster {
	of := func(address, digest string) api.Node {
		return api.Node{Address: address, Healthy: true, Summary: &api.Summary{
			Now: pageNow, Files: []api.NodeFiles{{Kind: api.KindMapping, Digest: "0123456789ab"}, {Kind: api.KindRouting, Digest: digest, Refused: len(s.broken) > 0}},
		}}
	}
	list := []api.Node{of("10.0.0.1:8091", "aaaaaaaaaaaa"), of("10.0.0.2:8091", "aaaaaaaaaaaa")}
	list[0].Self = true
	reasons := nodes.Judge(list)
	return api.Cluster{Agree: len(reasons) == 0, Reasons: reasons, Nodes: list}
}

func (s pageState) Changes(service string) []api.Change {
	out := []api.Change{}
	for _, c := range s.changes {
		if service == "" || c.Service == service {
			out = append(out, c)
		}
	}
	return out
}

func widenedChange(service string) api.Change {
	return api.Change{
		At: pageNow, Service: service, Rule: "novel", Kind: "qb.novel.h in 华东/ap-shanghai", Why: "instances changed", Change: "widened",
		Before: &explain.State{Answer: explain.AnswerRouted, Rule: "novel", Tier: "own", Level: "zone", Instances: 3, Usable: 3},
		After:  explain.State{Answer: explain.AnswerRouted, Rule: "novel", Tier: "pool", Level: "all", Instances: 5, Usable: 4},
	}
}

// browser opens pages in a headless Chromium.
type browser struct {
	t *testing.T
}

func newBrowser(t *testing.T) browser {
	needs.Program(t, "chromium")
	return browser{t}
}

// open returns the document after some seconds of the page's own time, without
// the texts of scripts and styles.
func (b browser) open(url string, seconds int) string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+b.t.TempDir(), fmt.Sprintf("--virtual-time-budget=%d", seconds*1000), "--dump-dom", url)
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) || stdout.Len() == 0 {
		b.t.Fatalf("chromium: %v\n%s", err, &stderr)
	}
	return regexp.MustCompile(`(?s)(<(?:script|style)>).*?(</(?:script|style)>)`).ReplaceAllString(stdout.String(), "$1$2")
}

// withScript adds a script to the page, that does what a user does.
func withScript(next http.Handler, script string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		fmt.Fprintf(w, "%s<script>%s\n%s</script>", rec.Body, `
			const until = what => new Promise(done => { const look = () => what() ? done(what()) : setTimeout(look, 50); look(); });
			const sleep = ms => new Promise(done => setTimeout(done, ms));
			const said = text => document.body.append(Object.assign(document.createElement("output"), { textContent: text }));`, script)
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

func TestPageShowsStatus(t *testing.T) {
	b := newBrowser(t)
	state := pageState{t: t, broken: []string{`routing.yaml:3:1: unknown key "rulse"; did you mean "rules"?`}, changes: []api.Change{widenedChange("default/novel")}}
	wantText(t, b.open(serve(t, newHandler(state, "")), 3),
		"Something is wrong: routing files refused, evacuations, protocols, callers, kubernetes, drift, warnings, nodes",
		"nodes DISAGREE: 10.0.0.1:8091 refuses routing files, and goes on with those of before; 10.0.0.2:8091 refuses", "10.0.0.1:8091 this one mapping 0123456789ab routing aaaaaaaaaaaa REFUSED",
		"mapping: 6 entries from 1 file in force, loaded 3 h 0 min ago",
		"routing: 4 entries from 1 file in force, loaded 20 min ago",
		"WRONG routing files on disk are REFUSED: 1 problem, tried 12 s ago; those loaded before stay in force",
		`routing.yaml:3:1: unknown key "rulse"; did you mean "rules"?`,
		"1 evacuation in force: zone 华南/ap-guangzhou until ", ", 6 h 0 min from now",
		"clients of these protocols are NOT routed: service-eureka",
		"1 of 2 callers not in the mapping: 25 % of the requests", "192.0.2.9",
		"bj live, 3 pods; sh API server AWAY, 1 pod, last heard from 60 min ago; 1 pod with an invalid SET", "connection refused", "qb/bad no SET name",
		"drift: 1 instance registered otherwise", "1 warning of the files in force", `routing.yaml:5 rule "of-another" never matches`,
		"widened default/novel novel qb.novel.h in 华东/ap-shanghai 3/3 usable, tier own, level zone 4/5 usable, tier pool, level all instances changed",
	)
}

func TestPageExplainsByLink(t *testing.T) {
	b := newBrowser(t)
	url := serve(t, newHandler(pageState{t: t}, ""))
	wantText(t, b.open(url+"?caller=10.2.7.9&service=default/novel", 3),
		"widened 10.2.7.9 asks for default/novel: routed, 1 of 4 instances sent",
		"set qb.novel.h from mapping mapping.csv:6 (10.2.7.0/24)",
		"passed over dashboards routing.yaml:4 when.ip does not hold 10.2.7.9",
		"1 rule for other services passed over", "decides novel routing.yaml:6 mode enforce",
		"Tiers and levels, routed as qb.novel.h in 华东/ap-shanghai",
		"tier own 0 1 not satisfied 1 of 1 not usable, it is left at 100%",
		"tier pool 1 1 taken",
		"✓ sent 10.1.8.1:8080 qb.novel.* 华南/ap-shenzhen/ap-shenzhen-2",
		`✗ not sent 10.1.7.4:8080 qb.novel.z 华南/ap-shenzhen/ap-shenzhen-2 weight 100 SET "qb.novel.z" is not in tier pool of "qb.novel.h"`,
	)
	wantText(t, b.open(url+"?caller=10.2.7.9&service=default/novel&set=qb.novel.z", 3),
		"asks for default/novel: routed, 2 of 4 instances sent", "set qb.novel.z from override")
	wantText(t, b.open(url+"?caller=10.2.7.9&service=default/trial", 3),
		"shadow 10.2.7.9 asks for default/trial: shadow, 2 of 2 instances sent; the rule would send 1",
		`✓ sent 10.1.7.4:8080 qb.novel.z 华南/ap-shenzhen/ap-shenzhen-2 weight 100 not the rule's choice: SET "qb.novel.z" is not in tier own`)
	wantText(t, b.open(url+"?caller=x&service=default/novel", 3), `caller "x" is not an address`)
}

func TestPageShowsWhoGoesWhere(t *testing.T) {
	b := newBrowser(t)
	dom := b.open(serve(t, withScript(newHandler(pageState{t: t}, ""), `
		until(() => document.querySelector("#services > details")).then(async () => {
			document.getElementById("all").click();
			await until(() => document.querySelectorAll("#services > details > summary .badge").length > 4);
			for (const d of document.querySelectorAll("td details")) d.open = true;
		});`)), 4)
	wantText(t, dom,
		"default/novel 1 EMPTY 2 widened 4 first choice",
		"callers they get by asked lately instances 华东/ap-shanghai 华南/ap-shenzhen epp.core.bj in 华北/ap-beijing/ap-beijing-3 EMPTY rule novel, tier unset 0 none · ·",
		"qb.novel.h in 华东/ap-shanghai/ap-shanghai-1 widened rule novel, tier pool, level all 0 1 of 1 usable 10.1.8.1:8080 qb.novel.* in 华南/ap-shenzhen/ap-shenzhen-2 · qb.novel.* 1/1",
		"qb.novel.z in 华南/ap-shenzhen/ap-shenzhen-2 first choice rule novel, tier own, level zone 1 1 of 2 usable 10.1.7.4:8080",
		"default/fixed 1 NONE USABLE 1 unreached 1 without failover", "0 of 1 usable 10.1.7.5:8080 qb.novel.z in 华南/ap-shenzhen/ap-shenzhen-2 not usable",
		"no failover the only failover is empty for qb.novel.z unreached nobody gets 1 instance: 10.2.7.1:8080 qb.novel.h in 华东/ap-shanghai",
		"default/plain 1 stock", "default/trial 3 shadow",
	)
}

// Names of services, hosts, SETs and places come from clients.
func TestPageTakesNamesForText(t *testing.T) {
	b := newBrowser(t)
	state := pageState{t: t, changes: []api.Change{widenedChange(hostileService)}}
	dom := b.open(serve(t, withScript(newHandler(state, ""), `
		until(() => document.querySelector("#services > details")).then(async () => {
			document.getElementById("all").click();
			document.getElementById("caller").value = "10.2.7.9";
			document.getElementById("service").value = "default/<img src=x onerror=boom()>";
			document.querySelector("#ask button").click();
			await until(() => location.search && document.querySelector("#explained h3"));
			for (const d of document.querySelectorAll("td details")) d.open = true;
			said("explained");
		});`)), 4)
	wantText(t, dom, "explained")
	escape := strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace
	for name, least := range map[string]int{hostileService: 5, hostileHost: 3, hostileSET: 1, hostileRegion: 2} {
		if n := strings.Count(dom, escape(name)); n < least {
			t.Errorf("%q is shown %d times, want %d: in each part of the page that has it", name, n, least)
		}
	}
	if n := len(regexp.MustCompile(`<script`).FindAllString(dom, -1)); n != 2 || strings.Contains(dom, "<img") {
		t.Errorf("%d scripts, want the page's and the test's, and no image:\n%s", n, dom)
	}
}

func TestPageAsksForToken(t *testing.T) {
	b := newBrowser(t)
	handler := newHandler(pageState{t: t}, "secret-7")
	dom := b.open(serve(t, handler)+"?caller=10.2.7.9&service=default/novel", 3)
	if !strings.Contains(dom, `<form id="login">`) || !strings.Contains(dom, `<main id="main" hidden="">`) {
		t.Errorf("the form for the token is hidden, or the data is not:\n%s", dom)
	}
	for _, data := range []string{"mapping.csv", "novel", "ap-guangzhou", "10.1.7.4:8080"} {
		if strings.Contains(textOf(dom), data) {
			t.Errorf("%q is shown without the token", data)
		}
	}
	use := `
		until(() => !document.getElementById("login").hidden).then(() => {
			document.getElementById("token").value = %q;
			document.querySelector("#login button").click();
		});`
	dom = b.open(serve(t, withScript(handler, fmt.Sprintf(use, "secret-7")))+"?caller=10.2.7.9&service=default/novel", 4)
	wantText(t, dom, "mapping: 6 entries", "10.2.7.9 asks for default/novel: routed")
	if !strings.Contains(dom, `<form id="login" hidden="">`) || !strings.Contains(dom, `<main id="main">`) {
		t.Errorf("with the token, its form is still there or the data is hidden:\n%s", dom)
	}
	dom = b.open(serve(t, withScript(handler, fmt.Sprintf(use, "secret-8"))), 4)
	wantText(t, dom, "The token is wrong.")
}

// A refresh every 5 s keeps what is expanded and typed.
func TestPageRefreshes(t *testing.T) {
	b := newBrowser(t)
	var asked atomic.Int32
	handler := newHandler(pageState{t: t}, "")
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/status") {
			asked.Add(1)
		}
		handler.ServeHTTP(w, r)
	})
	dom := b.open(serve(t, withScript(counted, `
		until(() => document.querySelector("#status details")).then(async () => {
			const lines = [...document.querySelectorAll("#status details")], cell = document.querySelector("#status td");
			for (const d of lines) d.open = true;
			document.getElementById("caller").value = "10.1.7.";
			await sleep(11000);
			said(document.getElementById("caller").value + " is typed, " + (lines.every(d => d.isConnected && d.open) ? "all" : "not all") +
				" lines are open, the first cell is " + (cell.isConnected ? "kept" : "another"));
		});`)), 14)
	wantText(t, dom, "10.1.7. is typed, all lines are open, the first cell is kept")
	if n := asked.Load(); n < 3 || n > 4 {
		t.Errorf("status was asked for %d times in 14 s, want one each 5 s", n)
	}
}

func TestPageSaysThatTheServerIsAway(t *testing.T) {
	b := newBrowser(t)
	var asked atomic.Int32
	handler := newHandler(pageState{t: t}, "")
	away := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // else the browser tries again by itself
		if strings.HasSuffix(r.URL.Path, "/status") {
			if n := asked.Add(1); n == 2 || n == 3 {
				panic(http.ErrAbortHandler)
			}
		}
		handler.ServeHTTP(w, r)
	})
	dom := b.open(serve(t, withScript(away, `
		const down = document.getElementById("down");
		until(() => !down.hidden).then(async () => {
			said("first: " + down.textContent + " " + document.getElementById("verdict").textContent);
			await until(() => down.textContent.includes(", 5 s:"));
			said("later: " + down.textContent);
			await until(() => down.hidden);
			said("answered again");
		});`)), 18)
	wantText(t, dom, "first: The server does not answer since 20", ", 0 s: ", "What stands below is of 20", "Not known now", "later: The server does not answer since 20", "answered again", "It works. To look at: evacuations")
}

// The page works where there is no other network, and never makes markup of a
// text.
func TestPageIsSelfContained(t *testing.T) {
	for _, banned := range []string{
		"http://", "https://", `src=`, `@import`, `url(`, "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextualFragment",
		"DOMParser", "setHTML", "eval(", "new Function", "srcdoc", "localStorage",
	} {
		if bytes.Contains(page, []byte(banned)) {
			t.Errorf("page.html has %q", banned)
		}
	}
}
