package admin

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// entryPattern is a text of the page's catalogue, in English and in Chinese.
var entryPattern = regexp.MustCompile(`^  "([^"]+)": \["((?:[^"\\]|\\.)+)", "((?:[^"\\]|\\.)+)"\],$`)

// catalogue returns the texts of the page by their keys.
func catalogue(t *testing.T) map[string][2]string {
	data, err := pageFiles.ReadFile("page/texts.js")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(data), "const texts = {\n")
	body, _, ok := strings.Cut(body, "\n};\n")
	texts := map[string][2]string{}
	for line := range strings.SplitSeq(body, "\n") {
		if trimmed := strings.TrimSpace(line); trimmed == "" || strings.HasPrefix(trimmed, "//") {
			continue
		}
		m := entryPattern.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("texts.js: %q is not a key with a text in each of the two languages", line)
			continue
		}
		if _, twice := texts[m[1]]; twice {
			t.Errorf("texts.js: %q is there twice", m[1])
		}
		texts[m[1]] = [2]string{m[2], m[3]}
	}
	if !ok || len(texts) < 200 {
		t.Fatalf("texts.js has %d texts", len(texts))
	}
	return texts
}

// pageCode returns the parts of the page but for the catalogue.
func pageCode(t *testing.T) string {
	var code strings.Builder
	err := fs.WalkDir(pageFiles, "page", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, "texts.js") {
			return err
		}
		data, err := pageFiles.ReadFile(name)
		code.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return code.String()
}

// words are the words of the API that are a part of a key.
var words = map[string][]string{
	"state.":      append([]string{"none", "evacuated", "still-sent", "nothing"}, api.States...),
	"cell.":       append([]string{"evacuated", "still-sent", "nothing"}, api.States...),
	"legend.":     {"first", "widened", "empty", "unusable", "evacuated", "still-sent", "stock"},
	"level.":      {"good", "note", "look", "warn", "bad", "away"},
	"severity.":   {"good", "info", "amber", "red"},
	"files.":      {"mapping", "routing"},
	"answer.":     {"routed", "blended", "stock", "shadow"},
	"part.":       {"store", "heartbeats", "node"},
	"backing.":    api.BackingKinds,
	"cause.":      {"store", "heartbeats", "stock-node", "refused", "disagree", "untold", "load", "widened", "unknown", "partial"},
	"gets.":       {"every business", "nothing"},
	"kubernetes.": {"live", "starting", "snapshot", "away"},
	"why.": {"instances changed", "mapping files changed", "routing files changed", "an evacuation began or ended", "instances of the lane address's own service changed", "asked for the first time",
		"pods changed", "an earlier road was chosen for the hold-down", "the service's own record changed"},
}

// Each text that the page asks for is in the catalogue, in both languages, and each text
// of the catalogue is asked for.
func TestPageTexts(t *testing.T) {
	texts, code, used := catalogue(t), pageCode(t), map[string]bool{}
	// A literal that has the form of a key and is one: in t("key"), t(x ? "key" : "other") and data-t="key".
	for _, m := range regexp.MustCompile(`"([a-z]+(?:[.-][a-z. -]+)*)"`).FindAllStringSubmatch(code, -1) {
		if _, ok := texts[m[1]]; ok {
			used[m[1]] = true
		}
	}
	for _, pattern := range []string{`\bt\("([^"]+)"`, `\bt\([^"\n]{1,60}\? "([^"]+)" : "[^"]+"`, `\bt\([^"\n]{1,60}\? "[^"]+" : "([^"]+)"`, `data-t(?:-hint|-label)?="([^"]+)"`} {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(code, -1) {
			if _, ok := texts[m[1]]; !ok {
				t.Errorf("the page asks for the text %q, which is not in texts.js", m[1])
			}
		}
	}
	words := maps.Clone(words)
	words["event."] = eventCodes(t)
	for prefix, list := range words {
		if !strings.Contains(code, "`"+prefix+"${") && !strings.Contains(code, `tIf("`+prefix+`"`) {
			t.Errorf("the page makes no keys with %q", prefix)
		}
		for _, word := range list {
			if _, ok := texts[prefix+word]; !ok {
				t.Errorf("%q is not in texts.js", prefix+word)
			}
			used[prefix+word] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if !used[key] {
			t.Errorf("texts.js has %q, which the page never asks for", key)
		}
		if values := [2]string{placeholders(texts[key][0]), placeholders(texts[key][1])}; values[0] != values[1] {
			t.Errorf("%q has the values %s in English, and %s in Chinese", key, values[0], values[1])
		}
		if strings.Contains(texts[key][1], "您") {
			t.Errorf("%q says 您 in Chinese, the page says 你", key)
		}
	}
}

// eventCodes returns the codes of events that docs/openapi.yaml names.
func eventCodes(t *testing.T) []string {
	d := loadOpenAPI(t)
	text := fmt.Sprint(d.find(d, "components", "schemas", "Event", "properties", "code")["description"])
	codes := regexp.MustCompile(`[a-z]+(?:-[a-z]+)+|started|widened|emptied|unusable|unknown|narrowed|refilled|changed`).FindAllString(text, -1)
	if len(codes) < 15 {
		t.Errorf("docs/openapi.yaml names the codes %q only", codes)
	}
	return codes
}

// placeholders returns the values of a text, sorted. {n|caller|callers} is a word that
// goes with a value: Chinese has none.
func placeholders(text string) string {
	names := []string{}
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// The page speaks the language of the browser, and that of the switch from then on.
// What is unfolded and typed stays.
func TestPageLanguages(t *testing.T) {
	b := newBrowser(t)
	handler := withAnswers(newHandler(pageBackend{t: t}, ""), darkCompany())
	dom := b.open(serve(t, withScript(handler, `
		until(() => document.querySelector(".matrix tbody .unfold") && document.querySelector("#services > details")).then(async () => {
			document.querySelector(".matrix tbody .unfold").click();
			await until(() => document.querySelector(".matrix tbody .inner"));
			document.getElementById("caller").value = "10.1.7.4";
			document.getElementById("service").value = "default/novel";
			document.querySelector("#ask button").click();
			await until(() => document.querySelector("#explained h3"));
			document.querySelector("[data-language=zh]").click();
			await until(() => document.querySelector("#services").textContent.includes("主调"));
			said(document.documentElement.lang + " " + document.querySelectorAll(".matrix tbody .inner").length + " rows unfolded, " + document.getElementById("caller").value + " typed, " + sessionStorage.getItem("setrouter-language"));
		});`)), 4)
	wantText(t, dom, "zh-CN 2 rows unfolded, 10.1.7.4 typed, zh", "故障 2 个主调没有可用实例", "谁由哪里提供服务", "空 3", "降级 40", "47 个主调，40 个服务", "疏散 30",
		"8 个服务的 12 类主调降级：实例有变化，在 华南/ap-shenzhen", "空列表 3 首选 9 12 个主调，可用 15/20，负载是一切正常时的 3.3 倍", "首选 10.1.7.4 访问 default/novel：已路由，下发 4 个实例中的 2 个", "映射文件：1 个文件的 6 条生效中，3 小时 0 分前加载")
	for _, english := range []string{"callers", "caller ", "widened", "services", "explain"} {
		if seen := textOf(dom); strings.Contains(strings.ReplaceAll(seen, "setrouter", ""), " "+english) {
			t.Errorf("the Chinese page says %q:\n%s", english, seen)
		}
	}
	wantText(t, b.open(serve(t, handler)+"?lang=zh", 2), "2 个主调没有可用实例")
	b.language = "zh-CN"
	wantText(t, b.open(serve(t, handler), 2), "2 个主调没有可用实例")
	b.language = "de-DE"
	wantText(t, b.open(serve(t, handler), 2), "2 callers have nothing to call")
}

// With lang=zh the sentences of an answer are Chinese. Without it they are English, whatever
// the browser's language, and the rest is the same.
func TestSentencesInChinese(t *testing.T) {
	h := newHandler(pageBackend{t: t}, "")
	ask := func(query string) map[string]any {
		rec := call(h, "GET", "127.0.0.1", "/setrouter/v1/"+query, nil, "Accept-Language", "zh-CN")
		var answer map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	english, zh := ask("status"), ask("status?lang=zh")
	headlines := []any{english["health"].(map[string]any)["headline"], zh["health"].(map[string]any)["headline"]}
	want := []any{
		"2 callers without a usable instance: default/novel for qb.novel.h in 华东/ap-shanghai, by rule novel, has 0 of 0 usable",
		"2 个主调没有可用实例：华东/ap-shanghai 的 qb.novel.h 访问 default/novel，规则 novel，0 个实例中 0 个可用",
	}
	if diff := cmp.Diff(want, headlines); diff != "" {
		t.Errorf("headlines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(english["rules"], zh["rules"]); diff != "" {
		t.Errorf("rules (-English +Chinese):\n%s", diff)
	}
	got := []any{ask("explain?caller=x&service=default/s")["message"], ask("explain?caller=x&service=default/s&lang=zh")["message"]}
	if diff := cmp.Diff([]any{`caller "x" is not an address`, `caller "x" 不是地址`}, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}
