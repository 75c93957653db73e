package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/oracle"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// A short soak, with changes four times as often.
func TestSoak(t *testing.T) {
	needs.Program(t, polaristest.ClusterPrograms...)
	dir, err := os.MkdirTemp("", "setrouter-soak-programs-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	programs, err := polaristest.BuildPrograms(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := plan{
		server: programs.Server, sdk: programs.Consumer, duration: 9 * time.Second, seed: uint64(time.Now().UnixNano()),
		callers: 32, instances: 12, interval: 250 * time.Millisecond, dumps: 200 * time.Millisecond, pace: 4, out: &out,
	}
	if err := run(t.Context(), p); err != nil {
		t.Error(err)
	}
	t.Log(out.String())
}

func view(revision string, ids ...string) *apiservice.DiscoverResponse {
	resp := &apiservice.DiscoverResponse{Service: &apiservice.Service{Revision: wrapperspb.String(revision)}}
	for _, id := range ids {
		resp.Instances = append(resp.Instances, &apiservice.Instance{Id: wrapperspb.String(id)})
	}
	return resp
}

func TestLedger(t *testing.T) {
	l := newLedger()
	for _, step := range []struct {
		resp *apiservice.DiscoverResponse
		want string
	}{
		{view("setrouter-1", "a", "b"), ""},
		{view("setrouter-1", "a", "b"), ""},
		{view("setrouter-1", "a"), "had other content before"},
		{view("setrouter-2", "a", "b"), "the same content had revision setrouter-1"},
		{view("", "a"), "no revision"},
		{view("stock", "a", "b"), ""},
	} {
		if got := l.note(step.resp); got == "" != (step.want == "") || !strings.Contains(got, step.want) {
			t.Errorf("%v: %q, want %q", step.resp, got, step.want)
		}
	}
}

func TestOrder(t *testing.T) {
	for resp, want := range map[*apiservice.DiscoverResponse]string{
		view("setrouter-1", "a", "b"): "", view("setrouter-1", "b", "a"): "the order of their ids", view("stock", "b", "a"): "",
		view("stock", "b", "a", "b"): "twice",
	} {
		if got := order(resp); got == "" != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q", resp, got, want)
		}
	}
}

// The server loads the files that the soak draws.
func TestFilesLoad(t *testing.T) {
	now := time.Now()
	for seed := range uint64(200) {
		d := newDraw(seed)
		files := []strict.File{{Name: rulesFile, Data: []byte(d.rules(now))}, {Name: "lanes.yaml", Data: []byte(d.lanes())}}
		var problems strict.Problems
		if route.Load(files, now, &problems); problems.Err() != nil {
			t.Errorf("%v\n%s%s", problems.Err(), files[0].Data, files[1].Data)
		}
	}
}

// Callers that were in the pool can be held there.
func TestPossible(t *testing.T) {
	instance := func(set, zone string, healthy bool) oracle.Instance {
		return oracle.Instance{SET: set, Place: oracle.Place{"r", zone}, Healthy: healthy, Weight: 1}
	}
	rule := oracle.Rule{
		SET: &oracle.SETStage{Tiers: []string{"own", "pool"}}, Nearby: &oracle.NearbyStage{Match: 2},
		Degrade: oracle.Degrade{UnhealthyPercent: 100, MinUsable: 1},
	}
	k := &oracle.Case{Rule: rule, SETs: []string{"a.b.c"}, Place: oracle.Place{"r", "z"}}
	got := heldRoads{}
	for _, step := range []struct {
		own, pool, far bool
		want           []int // the numbers of the roads: own in the zone, the region, anywhere; the pool's
	}{
		{true, true, true, []int{1}},
		{false, true, true, []int{4, 1}},
		{true, false, true, []int{1, 4}}, // from a pool that is not satisfied it goes back at once
	} {
		k.All = []oracle.Instance{
			instance("a.b.c", "z", step.own), instance("a.b.*", "z", step.pool), instance("a.b.*", "y", step.far),
		}
		got = possibleRoads(k, got)
		var numbers []int
		for _, road := range got["a.b.c"] {
			numbers = append(numbers, road.Number)
		}
		if !slices.Equal(numbers, step.want) {
			t.Errorf("%+v: %v", step, numbers)
		}
	}
}

func TestTrends(t *testing.T) {
	m := newSamples()
	for n := range 400 {
		t := time.Unix(int64(n), 0)
		m.byProcess[process{1, 1}] = append(m.byProcess[process{1, 1}], sample{t, 100, 400})
		m.byProcess[process{1, 2}] = append(m.byProcess[process{1, 2}], sample{t, 100 + float64(n), 400})
		m.byProcess[process{2, 1}] = append(m.byProcess[process{2, 1}], sample{t, 100, 400 + float64(n)})
	}
	var grew []bool
	for _, p := range m.trends() {
		grew = append(grew, p.judged && p.grew)
	}
	if !slices.Equal(grew, []bool{false, true, true}) {
		t.Errorf("grew: %v", grew)
	}
}

// A soak that saw too little fails.
func TestReport(t *testing.T) {
	for _, tt := range []struct {
		name string
		less func(*soak)
		want string
	}{
		{"enough", func(*soak) {}, ""},
		{"around starts and ends", func(s *soak) { s.check.exact, s.check.unjudged = 40, 50 }, "only 40.0% of the answers were checked exactly, expected 50%"},
		{"not judged at all", func(s *soak) { s.check.exact = 40 }, "only 40.0% of the answers were checked exactly, expected 50%"},
		{"no answers", func(s *soak) { s.check.answers, s.check.exact = 0, 0 }, "only 0.0% of the answers were checked exactly, expected 50%"},
		{"no changes", func(s *soak) { s.actions.note("health", errors.New("refused"), "") }, "more changes failed than were done: too little was seen"},
		{"nobody hostile", func(s *soak) { s.check.hostile = 0 }, "no hostile request was answered: too little was seen"},
		{"nobody over Eureka or L5", func(s *soak) { s.check.leakChecked = 0 }, "no list over Eureka or L5 was for a caller of a known business: too little was seen"},
		{"an SDK without lists", func(s *soak) { s.sdk.compared = 0 }, "no list of an SDK was compared: too little was seen"},
	} {
		l := &actionLog{counts: map[string]int{}}
		l.note("health", nil, "")
		s := &soak{plan: plan{out: io.Discard, duration: time.Minute}, actions: l, check: newChecker(l), memory: newSamples(), sdk: &witnesses{compared: 1}}
		s.check.answers, s.check.exact, s.check.hostile, s.check.leakChecked = 100, 90, 1, 1
		tt.less(s)
		got := ""
		if err := s.report(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
