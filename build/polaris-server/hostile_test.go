package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// With auth on, a caller that is refused cannot tell a lane address from a
// service, nor one with a target from one without, nor either from a name that
// is nothing: it gets the same words, over gRPC and HTTP, and none of a target.
func TestRefusedLaneIsLikeAnyName(t *testing.T) {
	server, console := start(t, polaristest.Options{Config: replacedConfig(t, "clientOpen: false", "clientOpen: true, clientStrict: true")})
	registerNovel(t, console, "novel")
	register(t, console, instance("lanes", "10.31.0.1", "epp.core.bj"))
	token := console.Token()
	wait(t, func() error { // the lists are there, for those who may have them
		for _, service := range []string{"lane", "novel"} {
			if resp := ask(t, server, shanghai, service, "", "x-polaris-token", token); len(resp.Instances) != 1 {
				return errorf("%s: %v", service, resp)
			}
		}
		return nil
	})
	for _, given := range []string{"", "nonsense"} {
		said := map[string]string{}
		for _, name := range []string{"lane", "lane-nowhere", "lanes", "novel", "nothing-of-that-name"} {
			resp := ask(t, server, shanghai, name, "", "x-polaris-token", given)
			if resp.Service.GetName().GetValue() != name && resp.Service.GetName().GetValue() != "" || resp.AliasFor != nil || len(resp.Instances) > 0 || resp.Code.GetValue() < 400000 {
				t.Errorf("gRPC, %s: %v", name, resp)
			}
			header := http.Header{"X-Polaris-Token": {given}}
			d := discover(t, server, polaristest.Request{Source: shanghai, Service: name, Header: header})
			if d.Service.Revision != "" || len(d.Instances) > 0 || d.Code < 400000 {
				t.Errorf("HTTP, %s: %+v", name, d)
			}
			text := fmt.Sprintf("%d %q, %d %q %q", resp.Code.GetValue(), resp.Info.GetValue(), d.Code, d.Info, d.Service.Namespace)
			said[strings.ReplaceAll(text, name, "NAME")] = name
		}
		if len(said) != 1 {
			t.Errorf("token %q: answers differ: %v", given, said)
		}
	}
}

// logLine begins every line of the pack's log.
var logLine = regexp.MustCompile(`^\d{4}-\d\d-\d\dT`)

// What a client reports of its place, and an instance of its own, begins no line
// of the log, and moves no cursor.
func TestLogHasLinesOfItsOwnOnly(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	place := polaristest.Location{Region: "x\n2026-01-01T00:00:00Z\tinfo\tall is well \x1b[2J\u009b2J"}
	here, there := instance("near", "10.91.0.1", ""), instance("near", "10.92.0.1", "")
	here.Location = &place
	register(t, console, here, there)
	report(t, server, "client-1", stranger.String(), &place)
	eventually(t, server, polaristest.Request{Source: stranger, Service: "near"}, "10.91.0.1")
	if err := console.Isolate(t.Context(), "default", "near", "10.91.0.1", true); err != nil {
		t.Fatal(err)
	}
	eventually(t, server, polaristest.Request{Source: stranger, Service: "near"}, "10.91.0.1", "10.92.0.1")
	wait(t, func() error {
		if log := server.Log(); !strings.Contains(log, "all is well") {
			return errorf("the change is not in the log:\n%s", log)
		}
		return nil
	})
	for line := range strings.Lines(server.Log()) {
		if !logLine.MatchString(line) || strings.HasPrefix(line, "2026-01-01") || strings.ContainsAny(line, "\x1b\u009b") {
			t.Errorf("%q", line)
		}
	}
}
