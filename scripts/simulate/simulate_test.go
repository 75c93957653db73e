package main

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

var update = flag.Bool("update", false, "write docs/capacity.md and its plot anew")

const (
	page     = "../../docs/capacity.md"
	pagePlot = "../../docs/images/nine-of-ten.svg"
	begin    = "<!-- by go test ./scripts/simulate -update -->\n```\n"
	end      = "```\n<!-- end -->"
)

// docs/capacity.md has what the program writes.
func TestPage(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "plot.svg")
	var out bytes.Buffer
	if err := run([]string{"-plot", picture}, &out); err != nil {
		t.Fatal(err)
	}
	drawn, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no block %q", page, begin)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+out.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(pagePlot, drawn, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(old, out.String()); diff != "" {
		t.Errorf("%s (-there +now), -update writes it anew:\n%s", page, diff)
	}
	if there, _ := os.ReadFile(pagePlot); !bytes.Equal(there, drawn) {
		t.Errorf("%s is another picture, -update writes it anew", pagePlot)
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"a dump that is cut", []string{"-dump", write("cut.yaml", "instances:\n  - {service: default/s, host: 10.0.0.1")}, "DIR/cut.yaml:2:1: not valid YAML: did not find expected ',' or '}', at \"- {service: default/s, host: 10.0.0.1\""},
		{"a dump of another version", []string{"-dump", write("other.yaml", "instances:\n  - {service: default/s, host: 10.0.0.1, tier: gold}\n")}, `DIR/other.yaml:2:42: unknown key "tier", expected one of id, service, host, port, set, region, zone, campus, healthy, isolate, weight, metadata`},
		{"a dump without instances", []string{"-dump", write("none.yaml", "instances: []\n")}, "DIR/none.yaml has no instances, expected what `setctl dump --server URL` writes"},
		{"too few instances", []string{"-instances", "10"}, "10 services with 10 instances of 2 businesses are too few, expected 3 instances or more for each service, and a business"},
		{"a plot of no scenario", []string{"-services", "1", "-instances", "3", "-plot", filepath.Join(dir, "x.svg"), "-plotted", "rain"}, `no scenario is called "rain", expected one of city dark, city gone, nine of ten, half, half everywhere, one by one, rolling restart, flapping, city flapping, nine of ten, toppling`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := run(tt.args, &bytes.Buffer{}); err != nil {
				got = strings.ReplaceAll(err.Error(), dir, "DIR")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What the program says of one service is what a hand comes to: ten own instances in each
// city, and no pool.
func TestPlay(t *testing.T) {
	w, err := newCompany(size{services: 1, instances: 9, businesses: 1})
	if err != nil {
		t.Fatal(err)
	}
	cliff, curve := ways[1], way{"curve", &route.Degrade{UnhealthyPercent: 100, MinUsable: 1, Overprovision: 150, HoldDown: 10 * time.Second}}
	two := scenario{isDown: func(n, _ int, at time.Duration) bool { return between(at) && n < 2 }}
	for _, tt := range []struct {
		name  string
		way   way
		scene scenario
		want  result
	}{
		// The third instance of bj carries all 100 callers for 240 s.
		{"two of three ill, the cliff", cliff, two, result{peak: 3, rise: 2, above: 400, changes: 200}},
		// It keeps 50%, and the six of the siblings take 50 callers beside their own 200:
		// 8.3 more each on 33.3.
		{"two of three ill, the curve", curve, two, result{peak: 1.5, rise: 0.5, moved: 100.01, changes: 300}},
		// The siblings take all: 16.7 more on 33.3. In the hold-down bj's own are siblings, too:
		// a ninth of 100 callers each, and then a third.
		{"all ill", cliff, scenario{isDown: first(1, 1)}, result{peak: 1.5, rise: 0.67, moved: 200, changes: 300}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newSimulation(w, tt.way, options{callers: 100, topple: 2.5}).play(tt.scene)
			got.way, got.peaks = "", nil
			for _, figure := range []*float64{&got.peak, &got.above, &got.moved, &got.rise} {
				*figure = math.Round(*figure*100) / 100
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
