package timeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/events"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

var now = time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC)

// change returns a change that came some seconds before now. Before is "" for a first list,
// and as after "usable/instances".
func change(ago int, service, kind, what, before, after string) api.Change {
	state := func(text string) explain.State {
		s := explain.State{Answer: explain.AnswerRouted}
		fmt.Sscanf(text, "%d/%d", &s.Usable, &s.Instances)
		return s
	}
	c := api.Change{At: now.Add(-time.Duration(ago) * time.Second), Service: service, Kind: kind, Change: what, Why: "instances changed", After: state(after)}
	if before != "" {
		s := state(before)
		c.Before = &s
	}
	return c
}

// lines returns events in short, the newest first.
func lines(t api.Timeline) (out []string) {
	for _, e := range t.Events {
		until := ""
		if e.Until != nil {
			until = "-" + e.Until.Format("04:05")
		}
		out = append(out, fmt.Sprintf("%s%s %s %s %s: %s", e.At.Format("04:05"), until, strings.Join(e.Nodes, "+"), e.Severity, e.Code, e.Text))
	}
	return out
}

func TestChanges(t *testing.T) {
	const shenzhen, shanghai = "qb.novel.z in 华南/ap-shenzhen", "qb.novel.h in 华东/ap-shanghai"
	shadow := change(5, "default/a", shenzhen, "widened", "1/1", "2/2")
	shadow.After.Answer = explain.AnswerShadow
	other := change(4, "default/a", shenzhen, "widened", "1/1", "2/2")
	other.Why = "routing files changed"
	for _, tt := range []struct {
		name    string
		changes []api.Change
		want    []string
	}{
		{"none", nil, nil},
		{"one", []api.Change{change(9, "default/a", shenzhen, "widened", "1/1", "2/2")}, []string{
			"59:51 n amber widened: 1 kind of callers of 1 service went to a later road: instances changed; all of them in 华南/ap-shenzhen",
		}},
		{"many that follow each other are one", []api.Change{
			change(50, "default/a", shenzhen+"/x", "widened", "1/1", "2/2"), change(80, "default/a", shenzhen, "widened", "1/1", "2/2"), change(60, "default/b", shenzhen+"/y", "widened", "1/1", "2/2"),
		}, []string{"58:40-59:10 n amber widened: 3 kinds of callers of 2 services went to a later road: instances changed; all of them in 华南/ap-shenzhen"}},
		{"later ones are another", []api.Change{change(80, "default/a", shenzhen, "widened", "1/1", "2/2"), change(49, "default/a", shanghai, "widened", "1/1", "2/2")}, []string{
			"59:11 n amber widened: 1 kind of callers of 1 service went to a later road: instances changed; all of them in 华东/ap-shanghai",
			"58:40 n amber widened: 1 kind of callers of 1 service went to a later road: instances changed; all of them in 华南/ap-shenzhen",
		}},
		{"in no one place", []api.Change{change(9, "default/a", shenzhen, "emptied", "1/1", "0/0"), change(9, "default/a", shanghai, "emptied", "1/1", "0/0")}, []string{
			"59:51 n red emptied: 2 kinds of callers of 1 service have an empty list: instances changed",
		}},
		{"in one region", []api.Change{change(9, "default/a", "a.b.c in r/z1", "changed", "1/1", "2/2"), change(9, "default/a", "a.b.c in r/z2", "changed", "1/1", "2/2")}, []string{
			"59:51 n info changed: 2 kinds of callers of 1 service have another list: instances changed; all of them in r",
		}},
		{"a place that is not known", []api.Change{change(9, "default/a", "a.b.c in -", "narrowed", "1/1", "2/2")}, []string{
			"59:51 n good narrowed: 1 kind of callers of 1 service went back to an earlier road: instances changed",
		}},
		{"another reason is another event", []api.Change{other, change(4, "default/a", shenzhen, "widened", "1/1", "2/2")}, []string{
			"59:56 n amber widened: 1 kind of callers of 1 service went to a later road: instances changed; all of them in 华南/ap-shenzhen",
			"59:56 n amber widened: 1 kind of callers of 1 service went to a later road: routing files changed; all of them in 华南/ap-shenzhen",
		}},
		{"lists without a usable instance", []api.Change{change(9, "default/a", shenzhen, "changed", "1/2", "0/2"), change(5, "default/a", shenzhen, "changed", "0/2", "2/2")}, []string{
			"59:55 n good refilled: 1 kind of callers of 1 service have usable instances again: instances changed; all of them in 华南/ap-shenzhen",
			"59:51 n red unusable: 1 kind of callers of 1 service have no usable instance: instances changed; all of them in 华南/ap-shenzhen",
		}},
		{"a first list is told if it is no good", []api.Change{change(9, "default/a", shenzhen, "first", "", "1/1"), change(9, "default/b", shenzhen, "first", "", "0/0"), change(8, "default/c", shenzhen, "first", "", "0/3")}, []string{
			"59:52 n red unusable: 1 kind of callers of 1 service have no usable instance: instances changed; all of them in 华南/ap-shenzhen",
			"59:51 n red emptied: 1 kind of callers of 1 service have an empty list: instances changed; all of them in 华南/ap-shenzhen",
		}},
		{"shadow rules change nothing", []api.Change{shadow}, nil},
		{"before the last hour", []api.Change{change(3601, "default/a", shenzhen, "widened", "1/1", "2/2")}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := New("n", now, now.Add(-time.Hour), nil, tt.changes)
			if diff := cmp.Diff(tt.want, lines(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An event names the first services and callers that it is about, and counts the others.
func TestManyServices(t *testing.T) {
	var changes []api.Change
	for n := range 13 {
		changes = append(changes, change(9, fmt.Sprintf("default/s%02d", n), "a.b.c in r/z", "emptied", "1/1", "0/0"))
	}
	got := New("n", now, now.Add(-time.Hour), nil, changes).Events[0]
	want := api.Event{
		Event: events.Event{At: now.Add(-9 * time.Second), Code: "emptied", Severity: "red", Text: "13 kinds of callers of 13 services have an empty list: instances changed; all of them in r/z",
			Args: map[string]string{"why": "instances changed", "kinds": "13", "services": "13", "place": "r/z"}},
		Nodes: []string{"n"}, MoreServices: 3, Callers: []string{"a.b.c in r/z"},
		Services: []string{"default/s00", "default/s01", "default/s02", "default/s03", "default/s04", "default/s05", "default/s06", "default/s07", "default/s08", "default/s09"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What two nodes tell of one moment is one event, and has both nodes.
func TestNodes(t *testing.T) {
	one := func(node string, ago int, kind string) api.Timeline {
		loaded := events.Event{At: now.Add(-time.Duration(ago) * time.Second), Code: "files-loaded", Severity: "info", Text: "files", Args: map[string]string{"kind": kind}}
		return New(node, now, now.Add(-time.Hour), []events.Event{loaded}, []api.Change{change(ago, "default/a", "a.b.c in r/z", "widened", "1/1", "2/2")})
	}
	t1 := one("n1", 10, "routing")
	Add(&t1, one("n2", 24, "routing").Events)
	Add(&t1, one("n3", 26, "mapping").Events)
	widened := "amber widened: 1 kind of callers of 1 service went to a later road: instances changed; all of them in r/z"
	want := []string{"59:36 n1+n2 info files-loaded: files", "59:34 n1+n2+n3 " + widened, "59:34 n3 info files-loaded: files"}
	if diff := cmp.Diff(want, lines(t1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	Cut(&t1, 1)
	if len(t1.Events) != 1 || t1.More != 2 {
		t.Errorf("%d events and %d more", len(t1.Events), t1.More)
	}
}

func TestWatch(t *testing.T) {
	var got []string
	w := Watch{Note: func(e events.Event) {
		got = append(got, fmt.Sprintf("%s %s %s: %s %v", e.At.Format("15:04:05"), e.Severity, e.Code, e.Text, e.Args))
	}}
	for _, step := range []struct {
		name  string
		after time.Duration
		text  string
		want  []string
	}{
		{"the first look", 0, "rules: [{name: a, service: x/*}, {name: b, service: y/*}]\nevacuate: [{zone: r/z, until: 2026-12-01T05:00:00Z, reason: old}]", nil},
		{"nothing new", time.Second, "rules: [{name: a, service: x/*}, {name: b, service: y/*}]\nevacuate: [{zone: r/z, until: 2026-12-01T05:00:00Z, reason: old}]", nil},
		{"rules come and go", 2 * time.Second, "rules: [{name: c, service: x/*}, {name: b, service: y/*}]\nevacuate: [{zone: r/z, until: 2026-12-01T05:00:00Z, reason: old}]", []string{
			"04:00:02 amber rules-ended: 1 rule ended: a map[count:1 rules:a]", "04:00:02 info rules-added: 1 rule added: c map[count:1 rules:c]",
		}},
		{"an evacuation is ended, and others begin", 3 * time.Second, "rules: [{name: c, service: x/*}, {name: b, service: y/*}]\nevacuate: [{set: a.b.c, until: 2026-12-01T04:00:10Z, reason: power}, {region: r, from: 2026-12-01T04:00:04Z, until: 2026-12-01T05:00:00Z, reason: drill}]", []string{
			"04:00:03 good evacuation-ended: evacuation of zone r/z ended before its time: old map[early:true evacuation:zone:r/z reason:old]",
			"04:00:03 amber evacuation-begun: evacuation of set a.b.c began, until 2026-12-01T04:00:10Z: power map[evacuation:set:a.b.c reason:power until:2026-12-01T04:00:10Z]",
		}},
		{"time passes", 12 * time.Second, "rules: [{name: c, service: x/*}, {name: b, service: y/*}]\nevacuate: [{set: a.b.c, until: 2026-12-01T04:00:10Z, reason: power}, {region: r, from: 2026-12-01T04:00:04Z, until: 2026-12-01T05:00:00Z, reason: drill}]", []string{
			"04:00:10 good evacuation-ended: evacuation of set a.b.c ended by its time: power map[early:false evacuation:set:a.b.c reason:power]",
			"04:00:04 amber evacuation-begun: evacuation of region r began, until 2026-12-01T05:00:00Z: drill map[evacuation:region:r reason:drill until:2026-12-01T05:00:00Z]",
		}},
		{"no rules any more", 13 * time.Second, "rules: []", []string{
			"04:00:13 amber rules-ended: 2 rules ended: b, c map[count:2 rules:b, c]",
			"04:00:13 good evacuation-ended: evacuation of region r ended before its time: drill map[early:true evacuation:region:r reason:drill]",
		}},
	} {
		got = nil
		var problems strict.Problems
		rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\n" + step.text)}}, now, &problems)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		w.Look(rules, now.Add(step.after))
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}
