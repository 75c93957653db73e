package route

import (
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// The properties of the rapid tests, with inputs that the fuzzer chooses.

func FuzzSelect(f *testing.F) {
	fuzztest.AddNoise(f, 6000)
	f.Fuzz(rapid.MakeFuzz(selectAgreesWithOracle))
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
	f.Fuzz(rapid.MakeFuzz(weightsAgreeWithOracle))
}

func TestWeightsAgreeWithOracle(t *testing.T) { rapid.Check(t, weightsAgreeWithOracle) }

// weightsAgreeWithOracle compares weights with oracleWeights, which calculates as
// docs/design.md, 5.3 does: in fractions, rounded at the end.
func weightsAgreeWithOracle(t *rapid.T) {
	anyWeight := func(list []Instance) []Instance {
		for i := range list {
			list[i].Weight = rapid.OneOf(rapid.SampledFrom([]uint32{0, 1, 100, MaxWeight}), rapid.Uint32Range(0, MaxWeight)).Draw(t, "weight")
		}
		return list
	}
	r := Route{Rule: drawRule(t), SETs: SETs(someSET.Draw(t, "caller set")), Location: someLocation.Draw(t, "caller location")}
	r.Rule.ByWeight, r.Rule.Rollout = true, rapid.IntRange(1, FullRollout-1).Draw(t, "rollout")
	instances := anyWeight(rapid.SliceOfN(someInstance, 0, 10).Draw(t, "instances"))
	var ownService []Instance
	if rapid.Bool().Draw(t, "own service") {
		ownService = append([]Instance{}, anyWeight(rapid.SliceOfN(someInstance, 0, 6).Draw(t, "own"))...)
	}
	callee := NewCallee(instances)
	d, got := r.Answer(callee, ownService)
	if want := oracleWeights(r.Rule.Rollout, instances, ownService, d.Chosen); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("rollout %d, chosen %v\ngot    %v\noracle %v\n%+v\nown %+v", r.Rule.Rollout, d.Chosen, got, want, instances, ownService)
	}
}

// oracleWeights returns the answer by weight. Weights are fractions until the end.
func oracleWeights(rollout int, instances, ownService []Instance, chosen []int) []Member {
	type entry struct {
		Member
		Instance
		first bool
	}
	var all []entry
	sums := map[bool]int64{}
	add := func(first bool, m Member, i Instance) {
		m.Weight = i.Weight
		all = append(all, entry{m, i, first})
		if i.Healthy && !i.Isolate && (first || !i.Evacuated) {
			sums[first] += int64(i.Weight)
		}
	}
	for _, n := range chosen {
		add(true, Member{Index: n}, instances[n])
	}
	for n, i := range ownService {
		add(false, Member{OwnService: true, Index: n}, i)
	}
	for n, i := range instances {
		if ownService == nil && !slices.Contains(chosen, n) {
			add(false, Member{Index: n}, i)
		}
	}
	if a, b := sums[true], sums[false]; a > 0 && b > 0 {
		share, percent := big.NewRat(0, 1), big.NewRat(int64(rollout), FullRollout)
		if ownService == nil {
			share.SetFrac64(a, a+b) // the share of the chosen ones in the stock answer
		}
		rest := new(big.Rat).Sub(big.NewRat(1, 1), share)
		share.Add(share, rest.Mul(rest, percent))
		factors := map[bool]*big.Rat{
			true:  new(big.Rat).Quo(share, big.NewRat(a, 1)),
			false: new(big.Rat).Quo(new(big.Rat).Sub(big.NewRat(1, 1), share), big.NewRat(b, 1)),
		}
		exact := func(m entry) *big.Rat {
			return new(big.Rat).Mul(factors[m.first], big.NewRat(int64(m.Instance.Weight), 1))
		}
		largest := new(big.Rat)
		for _, m := range all {
			if m.Usable() && (m.first || !m.Evacuated) && exact(m).Cmp(largest) > 0 {
				largest = exact(m)
			}
		}
		for n, m := range all {
			scaled := exact(m)
			scaled.Mul(scaled, big.NewRat(MaxWeight, 1)).Quo(scaled, largest)
			whole, _ := new(big.Int).SetString(scaled.FloatString(0), 10)
			if m.Instance.Weight > 0 {
				all[n].Member.Weight = uint32(min(max(whole.Int64(), 1), MaxWeight))
			}
		}
	}
	out := []Member{}
	for _, m := range all {
		sent := m.first && sums[true] > 0 || !m.first && !m.Evacuated && sums[false] > 0
		if sums[true] == 0 && sums[false] == 0 { // the stock answer
			sent = !m.first || ownService == nil
		}
		if sent {
			out = append(out, m.Member)
		}
	}
	return out
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

// FuzzTemplate fills in templates; what comes out is a SET name or nothing.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"qb.novel.{caller.set.2|alias}", "{caller.set}", "a.b.*", "{caller.label.k}", "x.{caller.region}.{caller.zone}-{caller.campus}"} {
		f.Add(s, "a.b.c", "r", "SH", "h")
	}
	f.Fuzz(func(t *testing.T, text, set, place, key, value string) {
		template, err := ParseTemplate(text)
		if err != nil {
			return
		}
		caller := location.Identity{
			Location: location.Location{Region: place, Zone: key, Campus: value}, Labels: map[string]string{"k": place, key: value},
		}
		if parsed, err := location.ParseSET(set); err == nil {
			caller.SET = parsed
		}
		aliases := map[string]string{key: value, place: set}
		got := template.Apply(caller, aliases)
		if want := oracleTemplate(text, caller, aliases); got != want {
			t.Errorf("%q of %+v with %q: %q, want %q", text, caller, aliases, got, want)
		}
		if _, err := location.ParseSET(string(got)); got != "" && err != nil {
			t.Error(err)
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

// checkLoaded checks rules that came out of one file, read twice.
func checkLoaded(t *testing.T, data []byte, rules, same *Rules) {
	var warnings strict.Problems
	fuzztest.Bounded(t, len(data), func() { rules.Lint(nil, &warnings) })
	if err := warnings.Err(); err != nil {
		t.Errorf("lint has a fault: %v", err)
	}
	fuzztest.Problems(t, data, warnings.List())
	if fmt.Sprint(rules.evacuations) != fmt.Sprint(same.evacuations) || !reflect.DeepEqual(rules.aliases, same.aliases) {
		t.Errorf("evacuations %v, then %v; aliases %v, then %v", rules.evacuations, same.evacuations, rules.aliases, same.aliases)
	}
	for n, e := range rules.evacuations {
		if e.Until.Sub(today) > MaxEvacuation || n > 0 && e.Until.After(rules.evacuations[n-1].Until) || !e.TakesOut(e.Location, e.SET) {
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
				if _, err := location.ParseSET(string(route.SET)); route.SET != "" && err != nil {
					t.Error(err)
				}
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
	if s := rule.SET; s != nil && (len(s.Tiers) == 0 || s.Caller != nil && s.Callee != nil) {
		t.Errorf("SET stage %+v", s)
	}
	if n := rule.Nearby; n != nil && (n.Match < n.Max || n.Max < LevelAll || n.Match > LevelCampus) {
		t.Errorf("nearby stage %+v", n)
	}
}
