package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

const matrixRouting = `version: 1
rules:
  - {name: novel, service: default/novel, set: {}, nearby: {}}
  - {name: trial, service: default/trial, set: {}, mode: shadow}
`

const matrixMapping = `version: 1
mappings:
  - {match: [127.1.0.0/16, 10.11.0.0/16], region: east, zone: shanghai, campus: shanghai-1, set: qb.novel.h}
  - {match: [127.2.0.0/16, 10.12.0.0/16], region: south, zone: shenzhen, campus: shenzhen-2, set: qb.novel.z}
  - {match: 10.13.0.0/16, region: south, zone: shenzhen, campus: shenzhen-3, set: qb.novel.*}
`

// adminJSON asks the listener of a server, and reads its JSON into an answer.
func adminJSON(t *testing.T, server *polaristest.Server, path string, into any) {
	t.Helper()
	text := httpGet(t, server.AdminURL+"/setrouter/v1/"+path, "")
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%s: %v: %s", path, err, text)
	}
}

// suppose posts files, of which a matrix is asked. It returns the status of the answer.
func suppose(t *testing.T, server *polaristest.Server, files api.MatrixFiles) (int, string) {
	t.Helper()
	body, err := json.Marshal(files)
	done(t, err)
	resp, err := http.Post(server.AdminURL+"/setrouter/v1/matrix", "application/json", strings.NewReader(string(body)))
	done(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	done(t, err)
	return resp.StatusCode, string(text)
}

// The matrix of a running server counts the callers that its status counts, in the same
// states, and shows the instances that they got. What it says would be is what then is.
func TestMatrixOfAServer(t *testing.T) {
	server, console := start(t, polaristest.Options{Files: map[string]string{"conf/mapping/mapping.yaml": matrixMapping, "conf/routing/routing.yaml": matrixRouting}})
	east, south := instance("novel", "10.11.0.1", ""), instance("novel", "10.12.0.1", "")
	register(t, console, east, south, instance("novel", "10.13.0.1", ""), instance("trial", "10.12.0.2", ""), instance("plain", "10.11.0.3", ""))
	ask := func() {
		t.Helper()
		for _, request := range []polaristest.Request{{Source: shanghai, Service: "novel"}, {Source: shenzhen, Service: "novel"}, {Source: shenzhen, Service: "trial"}, {Source: shanghai, Service: "plain"}} {
			discover(t, server, request)
		}
	}
	var m api.Matrix
	agree := func(want map[string]string) {
		t.Helper()
		wait(t, func() error {
			ask()
			m = api.Matrix{}
			var status api.Status
			adminJSON(t, server, "matrix?rows=kind&columns=set", &m)
			adminJSON(t, server, "status", &status)
			if diff := cmp.Diff(status.State.Counts, m.Counts); diff != "" {
				return errorf("the matrix counts other callers than the status (-status +matrix):\n%s", diff)
			}
			for _, k := range status.State.Kinds {
				if !hasKind(m, k) {
					return errorf("no row of the matrix has %+v", k)
				}
			}
			m = api.Matrix{}
			adminJSON(t, server, "matrix?rows=kind&columns=set&service=default/novel", &m)
			if got := cells(m); !maps.Equal(got, want) {
				return errorf("the cells are %v, want %v", got, want)
			}
			return nil
		})
	}
	whole := map[string]string{"qb.novel.h": "first qb.novel.h 1/1", "qb.novel.z": "first qb.novel.z 1/1"}
	agree(whole)

	// If Shanghai were lost its callers would go to the pool; so they do.
	var ifLost api.Matrix
	adminJSON(t, server, "matrix?rows=kind&columns=set&service=default/novel&lost="+url.QueryEscape("zone:east/shanghai"), &ifLost)
	lost := map[string]string{"qb.novel.h": "widened qb.novel.* 1/1", "qb.novel.z": "first qb.novel.z 1/1"}
	if got := cells(ifLost); !maps.Equal(got, lost) || ifLost.WhatIf.Widened != 1 || ifLost.WhatIf.Before["first"] != 2 {
		t.Errorf("if Shanghai were lost: %v, %+v", got, ifLost.WhatIf)
	}
	agree(whole)
	east.Healthy = false
	plain := instance("plain", "10.11.0.3", "")
	plain.Healthy = false
	done(t, console.Update(t.Context(), east, plain))
	agree(lost)

	// Files that would not load are refused with their places. Files that would empty a
	// list are told of, and change nothing.
	routing := func(text string) api.MatrixFiles {
		return api.MatrixFiles{Files: []api.MatrixFile{{Kind: api.KindRouting, Name: "next.yaml", Content: text}}}
	}
	if code, text := suppose(t, server, routing("version: 1\nrules: [{name: novel, service: default/novel, sett: {}}]\n")); code != 400 || !strings.Contains(text, "next.yaml:2:") || !strings.Contains(text, "sett") {
		t.Fatalf("a bad file: %d %s", code, text)
	}
	code, text := suppose(t, server, routing("version: 1\nrules: [{name: novel, service: default/novel, set: {tiers: [own], caller: qb.novel.hh}}]\n"))
	m = api.Matrix{}
	if err := json.Unmarshal([]byte(text), &m); err != nil || code != 200 || m.WhatIf.Emptied != 2 || !slices.Equal(m.WhatIf.Files, []string{"next.yaml"}) || m.WhatIf.Changes[0].After.State != "empty" {
		t.Errorf("%v: %d %s", err, code, text)
	}
	agree(lost)
	timelineHas(t, server)
}

// hasKind reports whether the worst of some row have a kind of callers.
func hasKind(m api.Matrix, k api.KindState) bool {
	return slices.ContainsFunc(m.Rows, func(r api.MatrixRow) bool {
		if k.State == "first" || k.State == "stock" || k.State == "shadow" {
			return r.States[k.State] >= k.Callers
		}
		return slices.ContainsFunc(r.Worst, func(o api.KindState) bool {
			o.Last = k.Last
			return o == k
		})
	})
}

// cells returns for each SET of callers its states, and from which SETs it is sent how many
// instances.
func cells(m api.Matrix) map[string]string {
	out := map[string]string{}
	for _, r := range m.Rows {
		var texts []string
		for _, c := range r.Cells {
			for _, state := range slices.Sorted(maps.Keys(c.States)) {
				texts = append(texts, state+" "+m.Columns[c.Column].SET+" "+shareText(c.CellCounts))
			}
		}
		slices.Sort(texts)
		out[r.SET] = strings.Join(texts, ", ")
	}
	return out
}

func shareText(c api.CellCounts) string {
	return fmt.Sprintf("%d/%d", c.Usable, c.Sent)
}

// timelineHas checks that the timeline has what happened, with its reasons.
func timelineHas(t *testing.T, server *polaristest.Server) {
	t.Helper()
	done(t, server.WriteFile("conf/routing/zz.yaml", "version: 1\nevacuate: [{zone: south/shenzhen, until: "+time.Now().Add(time.Hour).Format(time.RFC3339)+", reason: power}]\n"))
	wait(t, func() error {
		var all api.Timeline
		adminJSON(t, server, "timeline", &all)
		for _, want := range []string{"info started: the server started", "info files-loaded: routing files in force", "info files-loaded: mapping files in force",
			"amber widened: 1 kind of callers of 1 service went to a later road: instances changed; all of them in east/shanghai",
			"amber evacuation-begun: evacuation of zone south/shenzhen began"} {
			if !slices.ContainsFunc(all.Events, func(e api.Event) bool { return strings.HasPrefix(e.Severity+" "+e.Code+": "+e.Text, want) }) {
				return errorf("the timeline has no %q: %+v", want, all.Events)
			}
		}
		return nil
	})
}
