package main

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// A whole night in short: alerts do not wait.
func TestNight(t *testing.T) {
	needs.Program(t, slices.Concat(polaristest.ClusterPrograms, []string{prometheusProgram})...)
	dir, err := os.MkdirTemp("", "setrouter-night-programs-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	programs, err := polaristest.BuildPrograms(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := plan{server: programs.Server, setctl: programs.Setctl, sdk: programs.Consumer, alerts: "../../build/observability/alerts.yaml", short: true, out: &out}
	if err := run(t.Context(), p); err != nil {
		t.Error(err)
	}
	t.Log(out.String())
}

// What is said and is not so is found: a colour, an exit code or an alert that is not the
// incident's.
func TestFalse(t *testing.T) {
	began := time.Now()
	at := func(l look) look { l.at = began.Add(time.Second); return l }
	red := at(look{health: api.Health{Colour: api.ColourRed, Headline: "1 caller without"}})
	for _, tt := range []struct {
		name     string
		eye      eye
		look     look
		incident incident
		want     string
	}{
		{"red while all is well", eyePage, red, incident{colour: api.ColourGreen}, "w: after 1s the page says red: 1 caller without []"},
		{"red in an amber incident", eyePage, red, incident{colour: api.ColourAmber}, "w: after 1s the page says red: 1 caller without []"},
		{"red in a red incident", eyePage, red, incident{colour: api.ColourRed}, ""},
		{"amber before red", eyePage, at(look{health: api.Health{Colour: api.ColourAmber}}), incident{colour: api.ColourRed}, ""},
		{"a failing status", eyeStatus, at(look{code: 1, head: "h"}), incident{colour: api.ColourAmber}, "w: after 1s the status says exit code 1: h"},
		{"a status that may fail", eyeStatus, at(look{code: 1, head: "h"}), incident{colour: api.ColourAmber, code: 1}, ""},
		{"another alert", eyeAlert, at(look{alerts: []string{"A", "B"}}), incident{alerts: []string{"A"}}, "w: after 1s the alert says [A B]"},
		{"its alert", eyeAlert, at(look{alerts: []string{"A"}}), incident{alerts: []string{"A", "B"}}, ""},
	} {
		err := falseIn(&watch{looks: map[eye][]look{tt.eye: {tt.look}}}, began, began.Add(time.Minute), tt.incident, false, "w")
		if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
