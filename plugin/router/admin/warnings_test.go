package admin

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// The status warns of the files, of lane addresses whose target is no service, and of
// lists that are remarkable.
func TestWarnings(t *testing.T) {
	var problems strict.Problems
	rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\naddresses: [{service: d/old, target: d/nwe, set: {callee: a.b.c}}]")}}, pageNow, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	w := &world.World{Rules: rules, Names: []route.Service{{Namespace: "d", Name: "old"}, {Namespace: "d", Name: "new"}}}
	remarks := []view.Remark{{Service: w.Names[0], Rule: rules.All()[0], SETs: 65}}
	var got []string
	for _, p := range warnings([]strict.Problem{strict.Warning("m.csv", 2, 1, "of the files")}, w, remarks) {
		got = append(got, p.String())
	}
	if diff := cmp.Diff([]string{
		`m.csv:2:1: warning: of the files`,
		`r.yaml:2:13: warning: address "d/old": its target "d/nwe" is no service: callers get the whole list of the service "d/old" itself, with every SET; did you mean "d/new"?`,
		`r.yaml:2:13: warning: rule "d/old": an answer for "d/old" is joined of 65 SETs, more than 64; is {each} too wide?`,
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
