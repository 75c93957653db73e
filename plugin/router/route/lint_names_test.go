package route

import (
	"fmt"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// Names that look alike are warned of, each once, with the difference. Ordinary names are
// not.
func TestLintAlike(t *testing.T) {
	for _, tt := range []lintCase{
		{"an area in two cases", `mappings:
  - {match: 10.1.1.0/24, set: qb.novel.h}
  - {match: 10.1.2.0/24, set: qb.Novel.h}
  - {match: 10.1.3.0/24, set: "qb.novel.*"}
  - {match: 10.1.4.0/24, set: "qb.Novel.*"}`, "", []string{
			`m.yaml:4:1: warning: SET "qb.Novel.h" and 1 other SET: area "Novel" looks like "novel" of SET "qb.novel.h", m.yaml:3: "N" is not "n"; are they the same?`}},
		{"businesses in two cases", `mappings:
  - {match: 10.1.1.0/24, set: "qb.novel.*"}
  - {match: 10.1.2.0/24, set: "QB.Novel.*"}
  - {match: 10.1.6.0/24, set: "qb_novel_x.novel.*"}
  - {match: 10.1.7.0/24, set: "qb-novel-x.novel.*"}
  - {match: 10.1.8.0/24, set: "qb-novel-x.novel.*"}`, "", []string{
			`m.yaml:4:1: warning: SET "QB.Novel.*": business "QB" looks like "qb" of SET "qb.novel.*", m.yaml:3: "QB" is not "qb"; are they the same?`,
			`m.yaml:5:1: warning: SET "qb_novel_x.novel.*": business "qb_novel_x" looks like "qb-novel-x" of SET "qb-novel-x.novel.*", m.yaml:6: "_novel_" is not "-novel-"; are they the same?`}},
		{"places", `mappings:
  - {match: 10.1.1.0/24, region: South, zone: ap-shanghai, campus: "1\uff21"}
  - {match: 10.1.2.0/24, region: south, zone: "ap-sh\u0430ng", campus: b}
  - {match: 10.1.3.0/24, region: South, zone: "ap-sh\u0430nghai", campus: "1a"}
  - {match: 10.1.4.0/24, region: South, zone: ap-shanghai, campus: "1a"}
default: {region: SOUTH}`, "", []string{
			`m.yaml:3:1: warning: campus "1Ａ" looks like "1a" of m.yaml:5: "Ａ" (U+FF21) is not "a"; are they the same?`,
			`m.yaml:4:1: warning: region "south" looks like "South" of m.yaml:3: "s" is not "S"; are they the same?`,
			"m.yaml:5:1: warning: zone \"ap-sh\u0430nghai\" looks like \"ap-shanghai\" of m.yaml:3: \"\u0430\" (U+0430) is not \"a\"; are they the same?",
			`m.yaml:7:1: warning: region "SOUTH" looks like "South" of m.yaml:3: "OUTH" is not "outh"; are they the same?`}},
		{"a slip in a zone", `mappings:
  - {match: 10.1.1.0/24, region: r, zone: ap-shangahi}
  - {match: [10.1.2.0/24, 10.1.3.0/24], region: r, zone: ap-shanghai}
  - {match: 10.1.4.0/24, region: r, zone: ap-shanghai}
  - {match: 10.1.4.1, set: "a.b.*"}
  - {match: 10.1.5.0/24, region: r, zone: ap-shanghai}
  - {match: 10.1.6.0/24, region: r, zone: ap-shanghai}
  - {match: 10.1.7.0/24, region: r, zone: ap-shanghai}`, "", []string{
			`m.yaml:3:1: warning: zone "ap-shangahi" looks like "ap-shanghai" of m.yaml:4: "ah" is not "ha"; are they the same?`}},
		{"ordinary names", `mappings:
  - {match: 10.1.0.0/24, region: us-east-1, zone: us-east-1a, campus: use1-az1}
  - {match: 10.1.1.0/24, region: us-east-1, zone: us-east-1b, campus: use1-az2}
  - {match: 10.2.3.7, set: "set.SH.*"}
  - {match: 10.2.3.8, set: "set.SZ.*"}
  - {match: 10.2.4.1, set: "trade.gz01.*"}
  - {match: 10.2.4.2, set: "trade.gz02.*"}`, "", nil},
		{"given twice", "mappings: [{match: 10.1.1.0/24, set: a.b.*}, {match: 10.1.1.0/24, set: a.b.*}]", "", []string{
			`m.yaml:2:54: warning: prefix "10.1.1.0/24" is given twice with the same content, first in m.yaml:2`}},
	} {
		t.Run(tt.name, func(t *testing.T) { lintOf(t, tt, "m.yaml") })
	}
}

func TestLintNamesInRules(t *testing.T) {
	const mapping = `mappings:
  - {match: 10.1.1.0/24, region: 华南, zone: South-1, set: set.SH.1}
  - {match: 10.1.2.0/24, region: 华南, zone: South-1, set: "set.SH.*"}`
	for _, tt := range []lintCase{
		{"aliases", mapping, "aliases: {SH: h, Sh: z, sh: h, nj: n, NJ: m, SOUTH-1: s}", []string{
			`r.yaml:2:18: warning: alias "Sh" is "z", and looks like alias "SH", which is "h": "h" is not "H"; are they the same?`,
			`r.yaml:2:39: warning: alias "NJ" is "m", and looks like alias "nj", which is "n": "NJ" is not "nj"; are they the same?`,
			`r.yaml:2:46: warning: alias "SOUTH-1" is for no name of the mapping, and looks like "South-1" of m.yaml:3: "OUTH" is not "outh"; are they the same?`}},
		{"places", mapping, `rules:
  - {name: a, service: d/a, when: {region: "华南 "}, nearby: {}}
  - {name: b, service: d/b, when: {zone: south-1}, nearby: {}}
  - {name: c, service: d/c, when: {zone: South-1}, nearby: {}}
  - {name: d, service: d/d, when: {region: 华南/x}, nearby: {}}`, []string{
			`r.yaml:3:5: warning: rule "a" can never match a caller of the mapping: when: region "华南 " has a blank at an end, expected "华南"`,
			`r.yaml:4:5: warning: rule "b": when: zone "south-1" is no zone of the mapping, and looks like "South-1" of m.yaml:3: "s" is not "S"; are they the same?`,
			`r.yaml:6:5: warning: rule "d" can never match a caller of the mapping: when: region "华南/x" has a "/", which stands between region, zone and campus, expected a name without`}},
		{"services", "", `rules: [{name: a, service: default/订单 服务, nearby: {}}, {name: b, service: "default/a\u200b*", nearby: {}}, {name: c, service: {namespace: team/x, name: "a.b:c_D-1*?"}, nearby: {}}]`, []string{
			`r.yaml:2:9: warning: rule "a": "订单 服务" in a service has "订", and Polaris refuses such names, expected a to z, A to Z, digits, and - . / : _`,
			`r.yaml:2:56: warning: rule "b": "a\u200b*" in a service has "\u200b", and Polaris refuses such names, expected a to z, A to Z, digits, and - . / : _`}},
	} {
		t.Run(tt.name, func(t *testing.T) { lint(t, tt) })
	}
}

// Times are read as YAML programs write them.
func TestTimesOfEvacuations(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-24T10:00:00+08:00":   "2026-11-24T02:00:00Z",
		"2026-11-24 10:00:00+08:00":   "2026-11-24T02:00:00Z",
		"2026-11-24 02:00:00Z":        "2026-11-24T02:00:00Z",
		"2026-11-24 02:00:00.5+00:00": "2026-11-24T02:00:00Z",
		"2026-11-24 10:00:00":         `r.yaml:2:31: until "2026-11-24 10:00:00" is not a time with its zone, expected as 2026-12-01T10:00:00+08:00`,
	} {
		var problems strict.Problems
		rules := Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\nevacuate: [{zone: a/b, until: " + text + "}]\n")}}, today, &problems)
		got := fmt.Sprint(problems.Err())
		if rules != nil {
			got = rules.AllEvacuations()[0].Until.UTC().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
