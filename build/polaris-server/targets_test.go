package main

import (
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// Of a lane address whose target is no service, the status of a server and check against
// it warn, in the words of what callers get; of one whose target is a service they do not.
func TestTargetsThatAreNoService(t *testing.T) {
	const file = "version: 1\naddresses:\n  - {service: default/old, target: default/nwe, set: {callee: a.b.c}}\n" +
		"  - {service: default/lane, target: default/new, set: {callee: a.b.c}}\n  - {service: default/none, target: default/nothing, set: {callee: a.b.c}}\n"
	server, console := start(t, polaristest.Options{Files: map[string]string{"conf/routing/routing.yaml": file}})
	register(t, console, instance("old", "10.11.0.1", "x.y.z"), instance("new", "10.12.0.1", "a.b.c"))
	eventually(t, server, polaristest.Request{Source: stranger, Service: "old"}, "10.11.0.1")
	eventually(t, server, polaristest.Request{Source: stranger, Service: "lane"}, "10.12.0.1")
	want := `conf/routing/routing.yaml:3:5: warning: address "default/old": its target "default/nwe" is no service: callers get the whole list of the service "default/old" itself, with every SET; did you mean "default/new"?
conf/routing/routing.yaml:5:5: warning: address "default/none": its target "default/nothing" is no service: callers are told that there is no such service (400202)
`
	var status api.Status
	ctl(t, server, &status, "status")
	got := ""
	for _, w := range status.Warnings {
		if strings.Contains(w.Message, "is no service") {
			got += w.String() + "\n"
		}
	}
	if got != want {
		t.Errorf("status warns\n%swant\n%s", got, want)
	}
	if _, out := setctl(t, server, "check", "--server", server.AdminURL, "conf/routing/routing.yaml"); !strings.HasPrefix(out, want) {
		t.Errorf("check says\n%swant\n%s", out, want)
	}
}
