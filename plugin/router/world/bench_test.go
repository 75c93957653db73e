package world_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/company"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// load1 loads the state of a large company.
func large(tb testing.TB, edit func(routing string) string) *world.World {
	dump := company.Dump(company.Large, now)
	dump.Routing[0].Content = edit(dump.Routing[0].Content)
	var problems strict.Problems
	w := dump.World(&problems)
	if w == nil {
		tb.Fatal(problems.Err())
	}
	return w
}

func asIs(text string) string { return text }

func BenchmarkDump(b *testing.B) {
	dump := company.Dump(company.Large, now)
	b.Run("encode", func(b *testing.B) {
		for range b.N {
			data, _ := json.Marshal(dump)
			b.SetBytes(int64(len(data)))
		}
	})
	b.Run("decode", func(b *testing.B) {
		data, _ := json.Marshal(dump)
		b.SetBytes(int64(len(data)))
		for range b.N {
			var d world.Dump
			if err := json.Unmarshal(data, &d); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		for range b.N {
			var problems strict.Problems
			if dump.World(&problems) == nil {
				b.Fatal(problems.Err())
			}
		}
	})
}

func BenchmarkSurvey(b *testing.B) {
	for range b.N {
		w := large(b, asIs)
		n, groups := 0, 0
		survey := w.Survey(nil)
		b.ResetTimer()
		for answers := range survey.Each(w.Services(), runtime.GOMAXPROCS(0)) {
			n, groups = n+1, groups+len(answers.Groups)
		}
		b.ReportMetric(float64(n), "services")
		b.ReportMetric(float64(groups), "groups")
		b.ReportMetric(float64(len(survey.Kinds)), "kinds")
	}
}

func BenchmarkPlan(b *testing.B) {
	for name, edit := range map[string]func(string) string{
		"one rule": func(s string) string { return strings.Replace(s, "matchLevel: campus", "matchLevel: zone", 1) },
		"every rule": func(s string) string {
			return strings.NewReplacer("matchLevel: campus", "matchLevel: all", "nearby: {}", "nearby: {matchLevel: campus}").Replace(s)
		},
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				before, after := large(b, asIs), large(b, edit)
				b.StartTimer()
				p := world.NewPlan(before, after)
				b.ReportMetric(float64(len(p.Rows)), "rows")
			}
		})
	}
}

func BenchmarkDrill(b *testing.B) {
	for _, q := range []world.DrillQuery{{Each: "zone"}, {Each: "set"}, {Each: "zone", Gone: true}} {
		name := q.Each
		if q.Gone {
			name += " gone"
		}
		b.Run(name, func(b *testing.B) {
			w := large(b, asIs)
			w.Survey(nil)
			b.ResetTimer()
			for range b.N {
				d := w.Drill(q)
				b.ReportMetric(float64(len(d.Losses)), "losses")
			}
		})
	}
}

// What a scrape costs: every kind of caller asked for every service, and one instance in
// fifty is unhealthy.
func BenchmarkLoads(b *testing.B) {
	size := company.Large
	size.Services, size.Instances = 5000, 50000
	var problems strict.Problems
	w := company.Dump(size, now).World(&problems)
	if w == nil {
		b.Fatal(problems.Err())
	}
	var asking []world.Asking
	kinds := w.Kinds()[:200]
	for _, service := range w.Services() {
		for _, kind := range kinds {
			asking = append(asking, world.Asking{Service: service, Addr: kind.Addr, Callers: 3})
		}
	}
	b.ResetTimer()
	for range b.N {
		b.ReportMetric(float64(len(w.Loads(asking, 2))), "roads")
		b.ReportMetric(float64(len(asking)), "asking")
	}
}
