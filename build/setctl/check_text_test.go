package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// A flood of one kind leaves the others on the first screen, and faults come first.
func TestWriteProblems(t *testing.T) {
	var problems []strict.Problem
	for n := range 1000 {
		problems = append(problems, strict.Warning("r.yaml", n+1, 5, "rule \"r-%d\": maxMatchLevel \"zone\" does not bound callers", n))
	}
	problems = append(problems, strict.Warning("r.yaml", 1500, 5, "rule \"slip\" can never match: zone \"a\" is not in the topology"))
	for n := range 10_954 {
		problems = append(problems, strict.Problem{File: "m.csv", Line: n + 2, Col: 1, Message: fmt.Sprintf("prefix \"10.0.%d.0/24\" is given twice with different content, first in m.csv:%d", n, n)})
	}
	problems = append(problems, strict.Problem{File: "n.csv", Message: "is empty; delete the file or give it content"})
	var out strings.Builder
	writeProblems(&out, problems)
	want := `m.csv:2:1: prefix "10.0.0.0/24" is given twice with different content, first in m.csv:0
m.csv:3:1: prefix "10.0.1.0/24" is given twice with different content, first in m.csv:1
m.csv:4:1: prefix "10.0.2.0/24" is given twice with different content, first in m.csv:2
m.csv: and 10951 more like the last; -o json has all
n.csv: is empty; delete the file or give it content
r.yaml:1:5: warning: rule "r-0": maxMatchLevel "zone" does not bound callers
r.yaml:2:5: warning: rule "r-1": maxMatchLevel "zone" does not bound callers
r.yaml:3:5: warning: rule "r-2": maxMatchLevel "zone" does not bound callers
r.yaml: and 997 more like the last; -o json has all
r.yaml:1500:5: warning: rule "slip" can never match: zone "a" is not in the topology
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	if writeProblems(&out, problems[:manyAlike]); strings.Count(out.String(), "\n") != manyAlike {
		t.Errorf("of %d alike:\n%s", manyAlike, out.String())
	}
}
