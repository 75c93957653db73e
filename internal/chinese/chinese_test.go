package chinese

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/table"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ name, english, want string }{
		{"nothing", "", ""},
		{"no words", "10.1.0.1", "10.1.0.1"},
		{"not in the catalogue", "the moon is full", "the moon is full"},
		{"whole", "nobody asked in the last two minutes", "最近两分钟没有主调访问"},
		{"blanks stay", "  every instance  ", "  全部实例  "},
		{"values", "10 usable, at least 20 wanted", "10 个可用，至少要 20 个"},
		{"a value in Chinese", "all is well: nobody is without a usable instance; 7 callers", "一切正常：每个主调都有可用实例；共 7 个主调"},
		{"a problem", `m.yaml:3:5: unknown key "zne"; did you mean "zone"?`, `m.yaml:3:5: 未知的键 "zne"；是不是 "zone"？`},
		{"a word of another system", `r.yaml:3:5: unknown key "strictNearby", a word of Polaris's SDKs; here it is nearby: {strict: true}`, `r.yaml:3:5: 未知的键 "strictNearby"，这是 Polaris SDK 的写法；这里对应 nearby: {strict: true}`},
		{"a warning", `r.yaml:3:5: warning: map "m" is used by no rule`, `r.yaml:3:5: 警告：map "m" 没有规则用它`},
		{"a label", "AMBER  1 caller has a later road than the first", "黄  1 个主调不在首选的路上"},
		{"several sentences", `as a.b.c: it is evacuated; as a.b.d: SET "x; y" is in no tier of "a.b.d"`, `按 a.b.c：它已被疏散；按 a.b.d：SET "x; y" 不在 "a.b.d" 的任何 tier 里`},
		{"a list", "3 first, 1 widened", "3 个首选，1 个已降级"},
		{"a list with more", "3 first, 1 asleep", "3 first, 1 asleep"},
		{"a quoted text stays", `no road leads from "every instance"`, `从 "every instance" 出发没有路`},
		{"the name of a rule stays", "not nothing", "不是 nothing"},
		{"no name", "not every instance of it", "not every instance of it"},
		{"Chinese", "已路由", "已路由"},
	} {
		if got := Text(tt.english); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Columns are as wide as their Chinese texts.
func TestWriterOfTables(t *testing.T) {
	var out strings.Builder
	w := NewWriter(&out)
	fmt.Fprintf(w, "rules\nnot translated: %s\n", "rules")
	columns := table.New(w)
	fmt.Fprintf(columns, "  isolated\tx\n  weight 100\tevacuated\n")
	columns.Flush()
	const want = "规则\nnot translated: rules\n  已隔离    x\n  权重 100  已疏散\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever comes from a server ends, and loses no digit.
func FuzzText(f *testing.F) {
	for _, r := range rows {
		f.Add(verb.ReplaceAllString(r.english, `"7"`))
	}
	f.Add("; ; : : \"; ")
	f.Fuzz(func(t *testing.T, text string) {
		if got := Text(text); digits(got) != digits(text) {
			t.Errorf("%q gives %q", text, got)
		}
	})
}

// digits returns how often a text has each digit.
func digits(text string) (counts [10]int) {
	for _, r := range text {
		if r >= '0' && r <= '9' {
			counts[r-'0']++
		}
	}
	return counts
}

func TestJSON(t *testing.T) {
	value := map[string]any{
		"why": "no rule matches", "rule": "no rule matches", "n": 1 << 53, "notes": []string{"every instance", "else"},
		"roads": []any{map[string]any{"why": "no instance", "tier": "no instance"}},
	}
	const want = `{"n":9007199254740992,"notes":["全部实例","else"],"roads":[{"tier":"no instance","why":"没有实例"}],"rule":"no rule matches","why":"没有规则匹配"}`
	got, err := JSON(value)
	if err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}
