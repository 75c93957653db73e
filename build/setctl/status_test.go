package main

import (
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// A rollout by weight moves a share of every caller's requests, a rollout by
// caller a share of the callers: the status tells one from the other.
func TestStatusTellsRolloutsApart(t *testing.T) {
	var out strings.Builder
	newStatusWriter(&out).write(api.Status{Rules: []api.RuleStatus{
		{Name: "whole", File: "r.yaml", Line: 3, Mode: "enforce", Percent: 100, By: "caller"},
		{Name: "callers", File: "r.yaml", Line: 5, Mode: "enforce", Percent: 12.5, By: "caller"},
		{Name: "requests", File: "r.yaml", Line: 7, Mode: "shadow", Percent: 30, By: "weight", Target: "prod/epp"},
	}})
	const want = `
rules
  whole     enforce 100%             r.yaml:3  
  callers   enforce 12.5% by caller  r.yaml:5  
  requests  shadow 30% by weight     r.yaml:7  prod/epp
`
	if !strings.Contains(out.String(), want) {
		t.Errorf("the status is\n%s\nwant in it\n%s", out.String(), want)
	}
}
