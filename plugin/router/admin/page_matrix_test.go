package admin

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The matrix says in each cell with a word who is served from where. A cell says more
// to a screen reader.
func TestPageMatrix(t *testing.T) {
	dom := newBrowser(t).open(serve(t, withAnswers(newHandler(pageBackend{t: t}, ""), darkCompany())), 2)
	wantText(t, dom,
		"callers ↓ instances in → nothing to call ▸ ap-nanjing 华东 40 of 40 usable ▸ ap-shanghai 华东 118 of 120 usable ▸ ap-beijing 华北 60 of 60 usable 60 evacuated ▸ ap-guangzhou 华南 80 of 80 usable ▸ ap-shenzhen 华南 0 of 120 usable",
		"▸ qb in 华南/ap-shenzhen 47 callers, 40 services EMPTY 3 · first 4 · widened 40 ✗",
		"▸ ams in 华南/ap-shenzhen 2 callers, 40 services UNUSABLE 2 · · · · UNUSABLE 2",
		"▸ epp in 华北/ap-beijing 12 callers, 40 services · widened 12 · evacuated 30 · ·",
		"▸ no SET in 华北/ap-beijing 4 callers, 40 services · · · still sent 4 · ·",
		"▸ qb in 华东/ap-shanghai 210 callers, 40 services · · first 210 · · ·")
	for _, label := range []string{
		"qb in 华南/ap-shenzhen → 华南/ap-guangzhou: widened, 40 callers, 9 services, 30 of 30 usable",
		"qb in 华南/ap-shenzhen: nothing to call: 3",
		"no SET in 华北/ap-beijing → 华北/ap-beijing: still sent to, 4 callers, 9 services, 6 of 6 usable",
	} {
		if !strings.Contains(dom, `aria-label="`+label+`"`) {
			t.Errorf("no cell says %q to a screen reader", label)
		}
	}
}

// A business unfolds to SETs and campuses, a city to SETs; a cell says who and which
// services. A refresh keeps all of that, and the focus.
func TestPageMatrixUnfolds(t *testing.T) {
	dom := newBrowser(t).open(serve(t, withScript(withAnswers(newHandler(pageBackend{t: t}, ""), withNews(darkCompany())), `
		until(() => document.querySelector(".matrix tbody .unfold")).then(async () => {
			document.querySelector(".matrix tbody .unfold").click();
			await until(() => document.querySelector(".matrix tbody .inner"));
			document.querySelectorAll(".matrix thead .unfold")[3].click();
			await until(() => document.querySelector(".matrix thead .inner"));
			document.querySelector(".matrix tbody .cell").click();
			await until(() => document.querySelector("#matrix .detail td"));
			document.querySelectorAll(".matrix tbody .unfold")[1].focus();
			const label = document.activeElement.title, first = document.querySelector(".matrix tbody th");
			await until(() => !first.isConnected);
			await until(() => document.querySelector(".matrix tbody .inner"));
			said(label === document.activeElement.title ? "the focus is kept at: " + label : "the focus is lost");
		});`)), 14)
	wantText(t, dom,
		"▾ qb in 华南/ap-shenzhen 47 callers, 40 services EMPTY 3",
		"qb.novel.z in 华南/ap-shenzhen/ap-shenzhen-2 3 callers, 40 services EMPTY 3", "qb.comic.z in 华南/ap-shenzhen/ap-shenzhen-2 44 callers",
		"▾ ap-guangzhou 华南 80 of 80 usable qb.novel.g 50 of 50 usable qb.novel.* 30 of 30 usable",
		"empty qb in 华南/ap-shenzhen close state service callers how many rule road usable empty default/novel qb.novel.z in 华南/ap-shenzhen 3 novel - 0 of 0 usable explain",
		"the focus is kept at: SETs and campuses of ams 华南/ap-shenzhen")
	if !strings.Contains(dom, `href="?caller=10.1.7.4&amp;service=default%2Fnovel"`) {
		t.Error("the cell has no link to an explanation")
	}
}

// A click on a cell says who is served from there, of which services, as the server has
// it.
func TestPageMatrixOfTheDemoCompany(t *testing.T) {
	dom := newBrowser(t).open(serve(t, withScript(newHandler(demoBackend{pageBackend{t: t}, true}, ""), `
		const cellOf = label => [...document.querySelectorAll(".matrix .cell")].find(c => c.getAttribute("aria-label").startsWith(label));
		const detail = async label => {
			cellOf(label).click();
			await until(() => !document.querySelector("#matrix .detail").textContent.includes("last one") && document.querySelector("#matrix .detail td"));
			said("[" + label + "] " + document.querySelector("#matrix .detail").innerText);
			document.querySelector("#matrix .detail").replaceChildren("last one");
		};
		until(() => document.querySelector(".matrix .cell")).then(async () => {
			await detail("epp in 华南/ap-shenzhen → 华南/ap-guangzhou");
			await detail("ams in 华南/ap-shenzhen: nothing to call");
			await detail("ams in 华南/ap-shenzhen → 华南/ap-guangzhou");
			await detail("pay in 华东/ap-nanjing → 华东/ap-nanjing");
		});`)), 5)
	wantText(t, dom,
		"WRONG 54 callers have nothing to call",
		"[epp in 华南/ap-shenzhen → 华南/ap-guangzhou] widened epp in 华南/ap-shenzhen → 华南/ap-guangzhou close state service callers how many rule road usable "+
			"widened default/common epp.core.z in 华南/ap-shenzhen/ap-shenzhen-2 18 common level region 2 of 4 usable explain "+
			"widened default/epp-core epp.core.z in 华南/ap-shenzhen/ap-shenzhen-2 18 epp tier pool, level region 2 of 2 usable explain "+
			"widened default/epp-domain epp.core.z in 华南/ap-shenzhen/ap-shenzhen-2 18 epp tier pool, level region 2 of 2 usable explain",
		"[ams in 华南/ap-shenzhen: nothing to call] unusable ams in 华南/ap-shenzhen close state service callers how many rule road usable unusable default/ads ams.ads.z in 华南/ap-shenzhen/ap-shenzhen-2 18 ads tier own 0 of 3 usable explain",
		"[ams in 华南/ap-shenzhen → 华南/ap-guangzhou] widened ams in 华南/ap-shenzhen → 华南/ap-guangzhou close state service callers how many rule road usable widened default/common ams.ads.z",
		"[pay in 华东/ap-nanjing → 华东/ap-nanjing] first choice pay in 华东/ap-nanjing → 华东/ap-nanjing close state service callers how many rule road usable first choice default/common")
}

// withNews makes each answer of the matrix another one.
func withNews(answers object) object {
	var mu sync.Mutex
	n := 0
	answers["matrix"] = func(r *http.Request) any {
		mu.Lock()
		defer mu.Unlock()
		n++
		m := darkMatrix(r).(object)
		m["notes"] = []string{fmt.Sprint("answer ", n)}
		return m
	}
	return answers
}

// What would be if a place were lost, or files published, stands beside what is, marked
// as not in force.
func TestPageShowsWhatIf(t *testing.T) {
	b := newBrowser(t)
	url := serve(t, withScript(withAnswers(newHandler(pageBackend{t: t}, ""), darkCompany()), `
		until(() => document.querySelector(".matrix .cell")).then(async () => {
			document.getElementById("suppose-place").focus();
			await until(() => document.querySelector("#places option"));
			said("places: " + [...document.querySelectorAll("#places option")].map(o => o.textContent).join(" "));
			document.getElementById("suppose-place").value = "华东/ap-shanghai";
			document.querySelector("#suppose button").click();
			await until(() => document.querySelector("#whatif-matrix .cell"));
			document.querySelector("#whatif-summary details").open = true;
			await until(() => document.querySelector("#whatif-summary td"));
			said(document.getElementById("whatif-result").innerText);
			const files = new DataTransfer();
			files.items.add(new File(["version: 1\nrules: []\n"], "routing.yaml"));
			files.items.add(new File(["match,region\n"], "hosts.csv"));
			files.items.add(new File(["version: 1\nmappings: []\n"], "hosts.yaml"));
			document.getElementById("suppose-files").files = files.files;
			document.getElementById("suppose-files").dispatchEvent(new Event("change"));
			await until(() => document.getElementById("whatif-summary").textContent.includes("routing.yaml"));
			said(document.getElementById("whatif-result").innerText);
			for (const chip of [...document.querySelectorAll(".chip")]) document.querySelector(".chip").click();
			await until(() => document.getElementById("whatif-result").hidden);
			said("taken away again");
		});`))
	wantText(t, b.open(url, 5),
		"places: 华东/ap-nanjing 华东/ap-shanghai 华北/ap-beijing 华南/ap-guangzhou 华南/ap-shenzhen",
		"NOT IN FORCE: if city 华东/ap-shanghai were lost",
		"5 callers would have an empty list, 28 would be widened, 12 would leave their city The lists of 12 callers of 3 services would change.",
		"default/novel qb.novel.h in 华东/ap-shanghai 5 first choice tier own, level zone, 3 of 3 usable empty tier own, level zone, 0 of 0 usable explain now",
		"first 210 was widened 190",
		"NOT IN FORCE: if city 华东/ap-shanghai were lost, if routing.yaml (routing files) were published, if hosts.csv (mapping files) were published, if hosts.yaml (mapping files) were published",
		"files: [routing routing.yaml mapping hosts.csv mapping hosts.yaml]", "taken away again")
}

// A what-if that the server refuses says why.
func TestPageShowsWhyAWhatIfIsRefused(t *testing.T) {
	answers := darkCompany()
	refusing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			sendError(w, badRequest("routing.yaml:3:1: unknown key %q", "rulse"))
			return
		}
		withAnswers(newHandler(pageBackend{t: t}, ""), answers).ServeHTTP(w, r)
	})
	dom := newBrowser(t).open(serve(t, withScript(refusing, `
		until(() => document.querySelector(".matrix .cell")).then(async () => {
			const files = new DataTransfer();
			files.items.add(new File(["rulse: 1"], "routing.yaml"));
			document.getElementById("suppose-files").files = files.files;
			document.getElementById("suppose-files").dispatchEvent(new Event("change"));
			await until(() => document.getElementById("whatif-error").textContent);
			said("result " + (document.getElementById("whatif-result").hidden ? "hidden" : "shown"));
		});`)), 4)
	wantText(t, dom, `if routing.yaml (routing files) were published × routing.yaml:3:1: unknown key "rulse"`, "result hidden")
}

// The drill of the demo company: who has no pool is the worst.
func TestPageDrillOfTheDemoCompany(t *testing.T) {
	dom := newBrowser(t).open(serve(t, withScript(newHandler(demoBackend{pageBackend{t: t}, false}, ""), `
		until(() => document.querySelector(".matrix .cell")).then(async () => {
			document.querySelector("#drill-form button").click();
			await until(() => document.querySelector("#drill td"));
			said("[drill] " + document.getElementById("drill").innerText);
		});`)), 4)
	wantText(t, dom, "[drill] Without each of 5, one at a time, for 38 kinds of callers of 14 services close city nothing to call leave their city highest load of a road 华南/ap-shenzhen WRONG 54 callers, 1 kind, 3 services 270 callers 2.0 times show the matrix 华东/ap-nanjing WRONG 51 callers, 1 kind, 3 services 243 callers 2.0 times")
}

// A drill says what each loss would be, and leads to its matrix.
func TestPageDrill(t *testing.T) {
	dom := newBrowser(t).open(serve(t, withScript(withAnswers(newHandler(pageBackend{t: t}, ""), darkCompany()), `
		until(() => document.querySelector(".matrix .cell")).then(async () => {
			document.querySelector("#drill-form button").click();
			await until(() => document.querySelector("#drill td"));
			document.querySelector("#drill td button").click();
			await until(() => document.querySelector("#whatif-matrix .cell"));
		});`)), 4)
	wantText(t, dom, "Without each of 3, one at a time, for 25 kinds of callers of 12 services close city nothing to call leave their city highest load of a road "+
		"华南/ap-shenzhen WRONG 54 callers, 2 kinds, 3 services 54 callers 4.3 times show the matrix "+
		"华东/ap-nanjing worse - 54 callers 2.0 times show the matrix 华北/ap-beijing ok - - - show the matrix",
		"NOT IN FORCE: if city 华南/ap-shenzhen were lost")
}

func TestPageTimeline(t *testing.T) {
	dom := newBrowser(t).open(serve(t, withAnswers(newHandler(pageBackend{t: t}, ""), darkCompany())), 2)
	wantText(t, dom, "known since 03:10:00",
		"03:57:00 WRONG 1 kind of callers of 1 service emptied: instances changed; in 华南/ap-shenzhen qb.novel.z in 华南/ap-shenzhen, default/novel callers qb.novel.z in 华南/ap-shenzhen service default/novel 10.0.0.1:8091",
		"03:56:00–03:57:00 worse 12 kinds of callers of 8 services widened: instances changed; in 华南/ap-shenzhen qb.comic.z in 华南/ap-shenzhen, default/a … callers qb.comic.z in 华南/ap-shenzhen and 11 more service default/a default/b and 6 more 10.0.0.1:8091, 10.0.0.2:8091",
		"03:40:00 change routing files are in force")
	for _, cell := range []string{`<span class="bad" title="1 kind of callers`, `<span class="warn" title="12 kinds`, `<span class="note" title="routing files`} {
		if !strings.Contains(dom, cell) {
			t.Errorf("the strip of the hour has no %s", cell)
		}
	}
}

// manyServices is a server with 5,000 services. It notes when it was asked for what.
type manyServices struct {
	mu    sync.Mutex
	times map[string]time.Time
}

func (m *manyServices) note(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.times[what].IsZero() {
		m.times[what] = time.Now()
	}
}

func (m *manyServices) services(r *http.Request) any {
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	filter, list, matched := r.FormValue("filter"), []object{}, 0
	for n := range 5000 {
		name := fmt.Sprintf("default/service-%04d", n)
		if !strings.Contains(name, filter) {
			continue
		}
		if matched++; matched <= limit {
			list = append(list, object{"service": name, "rules": []string{}, "state": "first", "states": object{"first": 3}, "callers": 3, "kinds": 1, "instances": 9, "usable": 9, "evacuated": 0})
		}
	}
	return object{"counts": object{"first": 5000}, "total": 5000, "matched": matched, "offset": 0, "complete": true, "notes": []string{}, "services": list}
}

// With 5,000 services the page is there at once, and a filter acts at once. Rows are
// made for those that are shown.
func TestPageWithThousandsOfServices(t *testing.T) {
	m := manyServices{times: map[string]time.Time{}}
	answers := darkCompany()
	answers["servicestates"] = m.services
	page := withScript(withAnswers(newHandler(pageBackend{t: t}, ""), answers), `
		const painted = () => document.body.getBoundingClientRect().height; // the layout is made
		const rows = () => document.querySelectorAll("#services > details").length;
		until(() => rows()).then(async () => {
			painted();
			await fetch("noted/painted");
			said(rows() + " rows, " + document.getElementById("more").textContent);
			document.getElementById("filter").value = "service-4321";
			await fetch("noted/typed");
			document.getElementById("filter").oninput();
			await until(() => rows() === 1);
			painted();
			await fetch("noted/filtered");
			said(document.getElementById("services").textContent + "; " + document.getElementById("tally").textContent);
			document.getElementById("filter").value = "";
			document.getElementById("filter").oninput();
			await until(() => rows() === 100);
			document.getElementById("more").click();
			await until(() => rows() > 100);
			said(rows() + " rows after a click");
		});`)
	dom := newBrowser(t).open(serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if what, ok := strings.CutPrefix(r.URL.Path, "/noted/"); ok {
			m.note(what)
			return
		}
		if r.URL.Path == "/" {
			m.note("opened")
		}
		page.ServeHTTP(w, r)
	})), 8)
	wantText(t, dom, "100 rows, 4900 more", "default/service-4321 first choice 3 3 callers, 9 of 9 usable; first choice 5000 1 of 5000 services", "600 rows after a click")
	for _, span := range [][2]string{{"opened", "painted"}, {"typed", "filtered"}} {
		took := m.times[span[1]].Sub(m.times[span[0]])
		t.Logf("from %s to %s: %v", span[0], span[1], took.Round(time.Millisecond))
		if took <= 0 || took > 3*time.Second {
			t.Errorf("from %s to %s: %v, want at most 3 s on a busy machine", span[0], span[1], took)
		}
	}
}
