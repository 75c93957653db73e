package admin

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

func TestPageShowsStatus(t *testing.T) {
	b := newBrowser(t)
	state := pageBackend{t: t, broken: []string{`routing.yaml:3:1: unknown key "rulse"; did you mean "rules"?`}}
	wantText(t, b.open(serve(t, newHandler(state, "")), 3),
		"WRONG 2 callers have nothing to call default/novel ← qb.novel.h in 华东/ap-shanghai : 2 callers, an empty list, rule novel explain Also: routing files are refused on this node: routing.yaml:3:1: unknown key \"rulse\"; did you mean \"rules\"? ; "+
			"the nodes do not agree: 10.0.0.1:8091 refuses routing files, and goes on with those of before ; the nodes do not agree: 10.0.0.2:8091 refuses routing files, and goes on with those of before ; callers cannot be told, and get no list of a routed service: x-forwarded-for is",
		"REFUSES FILES 10.0.0.1:8091 this one 10.0.0.1:8091 refuses routing files, and goes on with those of before mapping files 0123456789ab routing files aaaaaaaaaaaa REFUSED",
		"LOOK server nodes disagree 10.0.0.1:8091 refuses routing files, and goes on with those of before 10.0.0.2:8091 refuses",
		"WRONG 2 callers WITHOUT A USABLE INSTANCE; of 8 callers in the last two minutes 2 empty, 1 widened, 4 first choice, 1 shadow; without those of 10.0.0.3:8091, which does not answer within 2s",
		"empty default/novel qb.novel.h in 华东/ap-shanghai 10.2.7.9 2 callers rule novel 0 of 0 usable", "widened default/novel qb.novel.z in 华南/ap-shenzhen 10.1.7.4 1 caller rule novel tier pool, level all 1 of 2 usable", "and 3 kinds more",
		"mapping files: 6 entries from 1 file in force, loaded 3 h 0 min ago",
		"routing files: 4 entries from 1 file in force, loaded 20 min ago",
		"LOOK routing files on disk are REFUSED: 1 problem, tried 12 s ago; those loaded before stay in force",
		`routing.yaml:3:1: unknown key "rulse"; did you mean "rules"?`,
		"1 evacuation in force: zone 华南/ap-guangzhou until ", ", 6 h 0 min from now",
		"clients of these protocols are NOT routed: service-eureka",
		"1 of 2 callers not in the mapping: 25 % of the requests", "192.0.2.9",
		"bj live, 3 pods; sh API server AWAY, 1 pod, last heard from 60 min ago; 1 pod with an invalid SET", "connection refused", "qb/bad no SET name",
		"look nothing is known of the SET of 1 caller, who asked for 2 services", "10.9.0.9 default/novel rule novel gets every business 7 requests", "10.9.0.9 default/comic rule novel gets nothing 1 request",
		"look drift: 1 instance registered otherwise", "look 1 warning of the files in force", `routing.yaml:5 rule "of-another" never matches`,
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
	dom := b.open(serve(t, withScript(newHandler(pageBackend{t: t}, ""), unfoldServices)), 4)
	wantText(t, dom,
		"callers state by asked lately instances 华东/ap-shanghai 华南/ap-shenzhen epp.core.bj in 华北/ap-beijing/ap-beijing-3 empty rule novel 0 none · ·",
		"qb.novel.h in 华东/ap-shanghai/ap-shanghai-1 widened rule novel, tier pool, level all 0 1 of 1 usable 10.1.8.1:8080 qb.novel.* in 华南/ap-shenzhen/ap-shenzhen-2 · qb.novel.* 1/1",
		"qb.novel.z in 华南/ap-shenzhen/ap-shenzhen-2 first choice rule novel, tier own, level zone 1 1 of 2 usable 10.1.7.4:8080",
		"unusable rule fixed", "0 of 1 usable 10.1.7.5:8080 qb.novel.z in 华南/ap-shenzhen/ap-shenzhen-2 not usable",
		"no failover the only failover is empty for qb.novel.z unreached nobody gets 1 instance: 10.2.7.1:8080 qb.novel.h in 华东/ap-shanghai",
		"stock no rule", "shadow rule trial",
	)
}

// unfoldServices unfolds all services that are shown, and says that it did.
const unfoldServices = `
	until(() => document.querySelector("#services > details")).then(async () => {
		for (const d of document.querySelectorAll("#services > details")) d.open = true;
		await until(() => document.querySelectorAll("#services details table").length >= document.querySelectorAll("#services > details").length);
		for (const d of document.querySelectorAll("#services td details")) d.open = true;
		said("unfolded");
	});`

// Names of services, hosts, SETs and places come from clients. Some of them are
// markup, and some turn a line around.
func TestPageTakesNamesForText(t *testing.T) {
	b := newBrowser(t)
	answers := darkCompany()
	answers["matrix"] = hostileMatrix
	answers["timeline"] = hostileTimeline()
	handler := withServices(withAnswers(newHandler(pageBackend{t: t}, ""), answers), hostileService)
	dom := b.open(serve(t, withScript(handler, unfoldServices+`
		until(() => document.querySelector("#services td") && document.querySelector(".matrix .cell")).then(async () => {
			document.querySelector(".matrix .cell").click();
			document.getElementById("suppose-place").value = "<img src=x onerror=boom()>";
			document.querySelector("#suppose button").click();
			document.getElementById("caller").value = "10.2.7.9";
			document.getElementById("service").value = "default/<img src=x onerror=boom()>";
			document.querySelector("#ask button").click();
			await until(() => document.querySelector("#explained h3") && document.querySelector("#whatif-matrix .cell") && document.querySelector("#matrix .detail td"));
			said("explained");
		});`)), 5)
	wantText(t, dom, "explained", "unfolded", `NOT IN FORCE: if city &lt;img src=x onerror=boom()&gt; were lost`)
	escape := strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace
	for name, least := range map[string]int{hostileService: 6, hostileHost: 3, hostileSET: 3, hostileRegion: 4, `\u{202e}`: 2} {
		if n := strings.Count(textOf(dom), escape(name)); n < least {
			t.Errorf("%q is shown %d times, want %d: in each part of the page that has it", name, n, least)
		}
	}
	if n := len(regexp.MustCompile(`<script`).FindAllString(dom, -1)); n != 2 || strings.Contains(dom, "<img") || strings.Contains(textOf(dom), "\u202e") {
		t.Errorf("%d scripts, want the page's and the test's, and no image, and nothing that turns a line around:\n%s", n, dom)
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
	wantText(t, dom, "mapping files: 6 entries", "10.2.7.9 asks for default/novel: routed")
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
			said("first: " + down.textContent + " " + document.getElementById("headline").className + " " + document.getElementById("headline").textContent);
			await until(() => down.textContent.includes(", 5 s:"));
			said("later: " + down.textContent);
			await until(() => down.hidden);
			said("answered again");
		});`)), 18)
	wantText(t, dom, "first: The server does not answer since 20", ", 0 s: ", "What stands below is of 20", "away NOT KNOWNNot known now: the server does not answer", "later: The server does not answer since 20", "answered again", "WRONG 2 callers have nothing to call")
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
