package route

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	slow "github.com/polaris-contrib/setrouter/internal/test/oracle"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// The properties of the rapid tests, with inputs that the fuzzer chooses.

func FuzzSelect(f *testing.F) {
	fuzztest.AddNoise(f, 6000)
	f.Fuzz(rapid.MakeFuzz(selectAgreesWithOracle))
}

func FuzzSettle(f *testing.F) {
	fuzztest.AddNoise(f, 16000)
	f.Fuzz(rapid.MakeFuzz(settleAgreesWithOracle))
}

func FuzzDependencies(f *testing.F) {
	fuzztest.AddNoise(f, 8000)
	f.Fuzz(rapid.MakeFuzz(answerHasNoOtherDependencies))
}

func FuzzHoldDown(f *testing.F) {
	fuzztest.AddNoise(f, 16000)
	f.Fuzz(rapid.MakeFuzz(holdDownKeepsWhatIsSatisfied))
}

func FuzzLeftOut(f *testing.F) {
	fuzztest.AddNoise(f, 6000)
	f.Fuzz(rapid.MakeFuzz(leftOutIsComplete))
}

func FuzzWeights(f *testing.F) {
	fuzztest.AddNoise(f, 6000)
	f.Fuzz(rapid.MakeFuzz(answerAgreesWithOracle))
}

func FuzzPriorities(f *testing.F) {
	fuzztest.AddNoise(f, 16000)
	f.Fuzz(rapid.MakeFuzz(prioritiesAgreeWithOracle))
}

// oracleGlob is a glob as a regular expression.
func oracleGlob(pattern, text string) bool {
	quoted := strings.NewReplacer(`\*`, "(?s:.*)", `\?`, "(?s:.)").Replace(regexp.QuoteMeta(string([]rune(pattern))))
	return regexp.MustCompile("^(?:" + quoted + ")$").MatchString(string([]rune(text)))
}

// FuzzGlob compares globs with regular expressions, and each with what it
// covers.
func FuzzGlob(f *testing.F) {
	f.Add("default/*", "default/?*", "default/s")
	f.Add("a*b*c", "a*bc", "abbc")
	f.Add("?", "华", "南")
	f.Fuzz(func(t *testing.T, wide, narrow, text string) {
		if len(wide)+len(narrow)+len(text) > 1000 {
			t.Skip("takes its time")
		}
		w, n := newGlob(wide), newGlob(narrow)
		if got, want := w.match(text), oracleGlob(wide, text); got != want {
			t.Errorf("%q matches %q: %t, want %t", wide, text, got, want)
		}
		if !w.match(wide) {
			t.Errorf("%q does not match itself", wide)
		}
		if w.covers(n) && n.match(text) && !w.match(text) {
			t.Errorf("%q covers %q, which alone matches %q", wide, narrow, text)
		}
	})
}

// FuzzTemplate fills in templates; what comes out is SET names, businesses or nothing.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		"qb.novel.{caller.set.2|alias}", "{caller.set}", "a.b.*", "{caller.label.k}", "x.{caller.region}.{caller.zone}-{caller.campus}",
		"a.{each}.{caller.set.3}", "{each}.{each}.h", "{each}.b.{caller.zone}",
	} {
		f.Add(s, "a.b.c", "r", "SH", "h")
	}
	var instances []Instance
	for _, set := range []location.SET{"a.b.c", "a.d.*", "e.b.c", ""} {
		instances = append(instances, Instance{SET: set})
	}
	f.Fuzz(func(t *testing.T, text, set, place, key, value string) {
		template, err := ParseTemplate(text)
		if err != nil {
			return
		}
		caller := location.Identity{
			Location: location.Location{Region: place, Zone: key, Campus: value}, Labels: map[string]string{"k": place, key: value},
		}
		said := slow.Identity{Place: slow.Place{place, key, value}, Labels: caller.Labels}
		if parsed, err := location.ParseSET(set); err == nil {
			caller.SET, said.SETs = parsed, []string{set}
		}
		aliases := map[string]string{key: value, place: set}
		for _, unknown := range []Unknown{UnknownAll, UnknownNone} {
			stage := &SETStage{Templates: []*Template{template}, Unknown: unknown}
			got := fmt.Sprint(Route{Rule: &Rule{SET: stage}, SETs: stage.routeAs(caller, aliases)}.setsFor(NewCallee(instances)))
			if want := fmt.Sprint(slow.RouteAs([]string{text}, said, aliases, instancesOf(instances), unknown == UnknownAll)); got != want {
				t.Errorf("%q of %+v with %q, unknown: %s: %s, want %s", text, caller, aliases, unknown, got, want)
			}
		}
	})
}

// FuzzService reads service names and places.
func FuzzService(f *testing.F) {
	for _, s := range []string{"default/s", "Polaris/polaris.checker", "a/b/c", "n/*", "华南/ap-shenzhen"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseService(text); err == nil && (s.String() != text || s.Namespace == "" || s.Name == "") {
			t.Errorf("%q came back as %q", text, s)
		}
		for depth, key := range []string{"region", "zone", "campus"} {
			if l, err := ParsePlace(key, text); err == nil && (l.String() != text || l.Depth() != depth+1) {
				t.Errorf("%s %q came back as %q", key, text, l)
			}
		}
	})
}

// FuzzLoad reads routing files.
func FuzzLoad(f *testing.F) {
	for _, text := range fuzztest.Texts(f, "build/conf/routing/*.yaml", "testdata/*/*routing.yaml", "testdata/tutorial/*/routing.yaml") {
		f.Add(text)
	}
	f.Add("version: 1\nrules: [{name: r, service: default/*, set: {caller: \"qb.{caller.set.2|alias}.h\"}, nearby: {}}]\naliases: {a: b}")
	f.Add("version: 1\naddresses: [{service: a/b, target: a/c, set: {callee: a.b.c}, rollout: {percent: 0.5}}]")
	f.Add("version: 1\nnaming: {segments: [a, b, c], values: {a: [x]}}\nevacuate: [{zone: r/z, until: 2026-11-25T00:00:00Z, reason: \"x\"}, {set: a.b.c, until: 2026-11-26T00:00:00Z}]")
	f.Add("version: 1\nplaces: {m: {r/z: [r/y, [s, region]], \"*\": [all]}, n: {r: []}}\ndefaults: {set: {tiers: [own], unknown: unset}, nearby: {matchLevel: none, places: m}, order: [nearby, set], degrade: {minUsable: 20%}, onEmpty: all}\nrules: [{name: r, service: {namespace: n/x, name: s}, set: {callers: [\"{each}.{each}.h\", a.b.c]}, nearby: {}}]")
	f.Add("version: 1\nrules: [{name: r, service: default/s, when: {labels: {k: v}, serviceMetadata: {k: v}}, set: {required: true}, nearby: {maxMatchLevel: campus, strict: true}, order: [set, nearby], degrade: {by: absent, tiersBy: absent}}]")
	f.Add("version: 1\ndefaults: {nearby: {maxMatchLevel: region}, degrade: {by: absent}}\nplaces: {m: {r: [all, s]}}\naddresses: [{service: a/b, target: a/c, set: {caller: \"a.b.{caller.zone}\"}, nearby: {places: m}, degrade: {unhealthyPercent: 50}}]")
	f.Add("version: 1\nevacuate: [{region: r, from: 2026-11-25T00:00:00Z, until: 2026-11-26T00:00:00Z}, {region: s, from: 2026-12-25T00:00:00+08:00, until: 2026-12-26T00:00:00Z}]")
	f.Fuzz(func(t *testing.T, text string) {
		files := []strict.File{{Name: "f.yaml", Data: []byte(text)}}
		var problems, again strict.Problems
		var rules *Rules
		fuzztest.Bounded(t, len(text), func() { rules = Load(files, today, &problems) })
		fuzztest.Problems(t, files[0].Data, problems.List())
		if (rules == nil) != (problems.Err() != nil) {
			t.Fatalf("rules %v beside error %v", rules, problems.Err())
		}
		same := Load(files, today, &again)
		if !reflect.DeepEqual(problems.List(), again.List()) {
			t.Fatalf("once %v, then %v", problems.List(), again.List())
		}
		if rules != nil {
			checkLoaded(t, files[0].Data, rules, same)
		}
	})
}

// lintedMapping is what FuzzLoad compares rules with.
const lintedMapping = `{version: 1, mappings: [{match: 10.1.0.0/16, region: r, zone: z}, {match: 10.2.0.0/16, region: s},
  {match: 10.1.0.1, set: a.b.c, labels: {k: v}}, {match: 10.2.0.1, set: "a.b.*"}, {match: 10.2.0.2, set: x.y.z}]}`

// checkLoaded checks rules that came out of one file, read twice.
func checkLoaded(t *testing.T, data []byte, rules, same *Rules) {
	var warnings strict.Problems
	fuzztest.Bounded(t, len(data), func() { rules.Lint(nil, &warnings) })
	var withMapping strict.Problems
	table := location.LoadMapping([]strict.File{{Name: "m.yaml", Data: []byte(lintedMapping)}}, &withMapping)
	fuzztest.Bounded(t, len(data), func() { rules.Lint(table, &withMapping) })
	if err := withMapping.Err(); err != nil {
		t.Errorf("lint has a fault: %v", err)
	}
	if err := warnings.Err(); err != nil {
		t.Errorf("lint has a fault: %v", err)
	}
	fuzztest.Problems(t, data, warnings.List())
	if fmt.Sprint(rules.evacuations.all) != fmt.Sprint(same.evacuations.all) || !reflect.DeepEqual(rules.aliases, same.aliases) {
		t.Errorf("evacuations %v, then %v; aliases %v, then %v", rules.evacuations.all, same.evacuations.all, rules.aliases, same.aliases)
	}
	for n, e := range rules.evacuations.all {
		begin := today
		if e.From.After(begin) {
			begin = e.From
		}
		if e.Until.Sub(begin) > MaxEvacuation || n > 0 && e.Until.After(rules.evacuations.all[n-1].Until) || !e.TakesOut(e.Location, e.SET) {
			t.Errorf("evacuation %+v", e)
		}
	}
	instances := []Instance{
		{SET: "a.b.c", Location: location.Location{Region: "r", Zone: "z"}, Healthy: true, Weight: 100},
		{SET: "a.b.*", Location: location.Location{Region: "r"}, Weight: 100}, {Healthy: true, Weight: 1},
	}
	caller := location.Identity{SET: "a.b.c", Location: location.Location{Region: "r", Zone: "z", Campus: "c"}, Labels: map[string]string{"k": "v"}}
	_ = rules.CountKinds([]location.Identity{caller, {}}, 10)
	for n, rule := range rules.All() {
		checkRule(t, rule, same.All()[n])
		for _, asked := range []Service{{"default", "s"}, {"n", rule.Name}} {
			for _, r := range []*Rules{rules, same} {
				req := Request{Addr: netip.MustParseAddr("10.0.0.1"), Caller: caller, Resolved: r.Resolve(Name{Service: asked})}
				route, _ := r.Route(req, nil)
				if route.Rule != nil && rule.SET != nil {
					_, members, _ := route.Settle(NewCallee(instances), nil, Memory{}, today)
					if len(members) > len(instances) {
						t.Errorf("%d members", len(members))
					}
				}
			}
		}
	}
}

func checkRule(t *testing.T, rule, same *Rule) {
	if !reflect.DeepEqual(rule, same) {
		t.Errorf("rule %+v, then %+v", rule, same)
	}
	d := rule.Degrade
	if rule.Name == "" || rule.Rollout < 0 || rule.Rollout > FullRollout || d.UnhealthyPercent < 1 || d.UnhealthyPercent > 100 ||
		d.MinUsable < 0 || d.HoldDown < 0 || d.HoldDown > time.Hour {
		t.Errorf("rule %+v", rule)
	}
	if s := rule.SET; s != nil && (len(s.Tiers) == 0 || s.Callee && len(s.Templates) != 1 || len(s.Templates) > 64) {
		t.Errorf("SET stage %+v", s)
	}
	if n := rule.Nearby; n != nil && (n.Match < n.Max && n.Match != LevelNone || n.Max < LevelAll || n.Match > LevelCampus || n.Match == LevelNone && n.Places == nil) {
		t.Errorf("nearby stage %+v", n)
	}
}
