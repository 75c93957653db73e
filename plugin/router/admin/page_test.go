package admin

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

func TestPageShowsStatus(t *testing.T) {
	b := newBrowser(t)
	state := pageBackend{t: t, broken: []string{`routing.yaml:3:1: unknown key "rulse"; did you mean "rules"?`}, changes: []api.Change{widenedChange("default/novel")}}
	wantText(t, b.open(serve(t, newHandler(state, "")), 3),
		"Something is wrong: lists, routing files refused, evacuations, protocols, callers, callers that cannot be told, kubernetes, drift, unknown callers, warnings, nodes",
		"nodes DISAGREE: 10.0.0.1:8091 refuses routing files, and goes on with those of before; 10.0.0.2:8091 refuses", "10.0.0.1:8091 this one mapping 0123456789ab routing aaaaaaaaaaaa REFUSED",
		"WRONG 2 callers WITHOUT A USABLE INSTANCE; of 8 callers in the last two minutes 4 first, 1 widened, 2 empty, 1 shadow",
		"empty default/novel qb.novel.h in 华东/ap-shanghai 10.2.7.9 2 callers rule novel", "widened default/novel qb.novel.z in 华南/ap-shenzhen 10.1.7.4 1 caller rule novel tier pool, level all 1 of 2 usable", "and 3 kinds more",
		"mapping: 6 entries from 1 file in force, loaded 3 h 0 min ago",
		"routing: 4 entries from 1 file in force, loaded 20 min ago",
		"WRONG routing files on disk are REFUSED: 1 problem, tried 12 s ago; those loaded before stay in force",
		`routing.yaml:3:1: unknown key "rulse"; did you mean "rules"?`,
		"1 evacuation in force: zone 华南/ap-guangzhou until ", ", 6 h 0 min from now",
		"clients of these protocols are NOT routed: service-eureka",
		"1 of 2 callers not in the mapping: 25 % of the requests", "192.0.2.9",
		"bj live, 3 pods; sh API server AWAY, 1 pod, last heard from 60 min ago; 1 pod with an invalid SET", "connection refused", "qb/bad no SET name",
		"look nothing is known of the SET of 1 caller, who asked for 2 services", "10.9.0.9 default/novel rule novel gets every business 7 requests", "10.9.0.9 default/comic rule novel gets nothing 1 request",
		"drift: 1 instance registered otherwise", "1 warning of the files in force", `routing.yaml:5 rule "of-another" never matches`,
		"widened default/novel novel qb.novel.h in 华东/ap-shanghai 3/3 usable, tier own, level zone 4/5 usable, tier pool, level all instances changed",
	)
}

func TestPageExplainsByLink(t *testing.T) {
	b := newBrowser(t)
	url := serve(t, newHandler(pageBackend{t: t}, ""))
	wantText(t, b.open(url+"?caller=10.2.7.9&service=default/novel", 3),
		"widened 10.2.7.9 asks for default/novel: routed, 1 of 4 instances sent",
		"set qb.novel.h from mapping mapping.csv:6 (10.2.7.0/24)",
		"passed over dashboards routing.yaml:4 when.ip does not hold 10.2.7.9",
		"1 rule for other services passed over", "decides novel routing.yaml:6 mode enforce",
		"Roads of qb.novel.h in 华东/ap-shanghai",
		"tier own at level zone 0 1 not satisfied",
		"tier pool at level all 1 1 taken",
		"✓ sent 10.1.8.1:8080 qb.novel.* 华南/ap-shenzhen/ap-shenzhen-2",
		`✗ not sent 10.1.7.4:8080 qb.novel.z 华南/ap-shenzhen/ap-shenzhen-2 weight 100 SET "qb.novel.z" is in no tier of "qb.novel.h"`,
	)
	wantText(t, b.open(url+"?caller=10.2.7.9&service=default/novel&set=qb.novel.z", 3),
		"asks for default/novel: routed, 2 of 4 instances sent", "set qb.novel.z from override")
	wantText(t, b.open(url+"?caller=10.2.7.9&service=default/trial", 3),
		"shadow 10.2.7.9 asks for default/trial: shadow, 2 of 2 instances sent; the rule would send 1",
		`✓ sent 10.1.7.4:8080 qb.novel.z 华南/ap-shenzhen/ap-shenzhen-2 weight 100 not the rule's choice: SET "qb.novel.z" is in no tier`)
	wantText(t, b.open(url+"?caller=x&service=default/novel", 3), `caller "x" is not an address`)
}

// The page names the instances at a caller's address that disagree.
func TestPageNamesWhoDisagrees(t *testing.T) {
	b := newBrowser(t)
	url := serve(t, newHandler(pageBackend{t: t, twins: true}, ""))
	wantText(t, b.open(url+"?caller=198.51.100.7&service=default/novel", 3),
		"callers of 1 address are routed as each of several SETs: the instances registered there differ", "198.51.100.7 qb.novel.h qb.novel.z",
		"set qb.novel.h from registry set qb.novel.z from registry set the instances at this address differ in their set",
		"default/plain 198.51.100.7:8080 qb.novel.z default/trial 198.51.100.7:8080 qb.novel.h",
		`names that instances at this address registered, and that do not count default/plain 198.51.100.7:8080 SET name "qb.novel" has 2 segments`,
	)
	wantText(t, b.open(url+"?caller=198.51.100.7&service=default/plain", 3),
		`✓ sent 198.51.100.7:8080 - - weight 100 SET name "qb.novel" has 2 segments, expected three: business.area.group`)
}

func TestPageShowsWhoGoesWhere(t *testing.T) {
	b := newBrowser(t)
	dom := b.open(serve(t, withScript(newHandler(pageBackend{t: t}, ""), `
		until(() => document.querySelector("#services > details")).then(async () => {
			document.getElementById("all").click();
			await until(() => document.querySelectorAll("#services > details > summary .badge").length > 4);
			for (const d of document.querySelectorAll("td details")) d.open = true;
		});`)), 4)
	wantText(t, dom,
		"default/novel 1 EMPTY 2 widened 4 first choice",
		"callers they get by asked lately instances 华东/ap-shanghai 华南/ap-shenzhen epp.core.bj in 华北/ap-beijing/ap-beijing-3 EMPTY rule novel 0 none · ·",
		"qb.novel.h in 华东/ap-shanghai/ap-shanghai-1 widened rule novel, tier pool, level all 0 1 of 1 usable 10.1.8.1:8080 qb.novel.* in 华南/ap-shenzhen/ap-shenzhen-2 · qb.novel.* 1/1",
		"qb.novel.z in 华南/ap-shenzhen/ap-shenzhen-2 first choice rule novel, tier own, level zone 1 1 of 2 usable 10.1.7.4:8080",
		"default/fixed 1 NONE USABLE 1 unreached 1 without failover", "0 of 1 usable 10.1.7.5:8080 qb.novel.z in 华南/ap-shenzhen/ap-shenzhen-2 not usable",
		"no failover the only failover is empty for qb.novel.z unreached nobody gets 1 instance: 10.2.7.1:8080 qb.novel.h in 华东/ap-shanghai",
		"default/plain 1 stock", "default/trial 2 shadow",
	)
}

// Names of services, hosts, SETs and places come from clients.
func TestPageTakesNamesForText(t *testing.T) {
	b := newBrowser(t)
	state := pageBackend{t: t, changes: []api.Change{widenedChange(hostileService)}}
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
	handler := newHandler(pageBackend{t: t}, "secret-7")
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
	handler := newHandler(pageBackend{t: t}, "")
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
	handler := newHandler(pageBackend{t: t}, "")
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
	wantText(t, dom, "first: The server does not answer since 20", ", 0 s: ", "What stands below is of 20", "Not known now", "later: The server does not answer since 20", "answered again", "Something is wrong: lists, evacuations")
}

// The page works where there is no other network, and never makes markup of a
// text.
func TestPageIsSelfContained(t *testing.T) {
	for _, banned := range []string{
		"http://", "https://", `src=`, `@import`, `url(`, "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextualFragment",
		"DOMParser", "setHTML", "eval(", "new Function", "srcdoc", "localStorage",
	} {
		if bytes.Contains(page.html, []byte(banned)) {
			t.Errorf("the page has %q", banned)
		}
	}
}
