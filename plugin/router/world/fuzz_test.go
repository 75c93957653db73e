package world_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// FuzzDump reads dumps as setctl gets them from a server or a file, asks
// everything of the state, and writes it again.
func FuzzDump(f *testing.F) {
	f.Add([]byte(`{"now":"2026-11-24T00:00:00Z","sources":["mapping","kubernetes","registry","report"],
"mapping":[{"name":"m.csv","content":"match,region,zone,set\n10.0.0.0/24,r,z,a.b.c\n"}],
"routing":[{"name":"r.yaml","content":"version: 1\nrules: [{name: r, service: default/*, set: {}, nearby: {}}]\nevacuate: [{region: r, until: 2026-11-25T00:00:00Z}]"}],
"services":[{"namespace":"default","name":"s"}],"instances":[{"id":"i","service":{"namespace":"default","name":"s"},"host":"10.0.0.1","port":80,
"location":{"region":"r"},"metadata":{"set-group":"a.b.c"},"healthy":true,"isolate":false,"weight":100}],"aliases":[{"alias":{"namespace":"a","name":"b"},
"service":{"namespace":"default","name":"s"}}],"clients":[{"host":"10.0.0.2","location":{"region":"r"}}],"callers":[{"address":"10.0.0.3","requests":2}],
"pods":[{"host":"10.0.0.4","location":{"region":"r"},"set":"a.b.c","labels":{"k":"v"}}]}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"instances":[{"service":{},"host":"::ffff:10.0.0.1"}],"clients":[{}],"pods":[{"shared":true}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var dump world.Dump
		if json.Unmarshal(data, &dump) != nil {
			return
		}
		var problems strict.Problems
		w := dump.World(&problems)
		if (w == nil) != (problems.Err() != nil) {
			t.Fatalf("state %v beside %v", w, problems.Err())
		}
		if w == nil {
			return
		}
		w.Sort()
		before, err := json.Marshal(world.NewDump(w, nil, nil))
		if err != nil {
			return // a time of five digits
		}
		fuzztest.Bounded(t, len(data), func() {
			plan := world.NewPlan(w, w.WithFiles(w.Table, w.Rules))
			if len(plan.Rows) > 0 {
				t.Errorf("nothing changed, and the plan has %+v", plan.Rows)
			}
			checkText(t, plan.Text)
			_, _ = w.Drifts(), w.Strangers()
			for _, service := range w.Services() {
				checkText(t, func(out io.Writer) { w.Who(service, "").Write(out, world.DefaultLimit) })
				for _, addr := range []string{"10.0.0.1", "10.0.0.2", "::1"} {
					_ = w.Explain(world.Request{Addr: netip.MustParseAddr(addr), Service: service})
				}
			}
			_ = w.Explain(world.Request{Service: route.Service{}})
		})
		if after, err := json.Marshal(world.NewDump(w, nil, nil)); err != nil || !bytes.Equal(before, after) {
			t.Errorf("before %s\nafter  %s, %v", before, after, err)
		}
	})
}

// checkText checks what goes to a terminal, line by line.
func checkText(t *testing.T, write func(io.Writer)) {
	var out strings.Builder
	write(&out)
	for line := range strings.Lines(out.String()) {
		fuzztest.Printable(t, strings.TrimSuffix(line, "\n"))
	}
}
