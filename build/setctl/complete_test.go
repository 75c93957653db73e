package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Values are completed with words, and with what a server has.
func TestCompletion(t *testing.T) {
	place := location.Location{Region: "south", Zone: "sz", Campus: "sz-1"}
	dump, err := json.Marshal(world.Dump{Instances: []world.Instance{
		{ID: "a", Service: route.Service{Namespace: "default", Name: "s"}, Host: "10.1.0.1", Port: 80, Location: place, Metadata: map[string]string{location.MetaSetName: "qb.novel.z", location.MetaSetEnable: "Y"}},
		{ID: "b", Service: route.Service{Namespace: "default", Name: "t"}, Host: "10.1.0.2", Port: 80, Location: place},
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(dump) }))
	t.Cleanup(server.Close)
	slow := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-slow }))
	t.Cleanup(func() { close(slow); silent.Close() })
	for name, c := range map[string]struct {
		args string
		want []string
	}{
		"output":           {"status -o ", []string{"text", "json"}},
		"each":             {"drill --each z", []string{"zone"}},
		"services":         {"who --server " + server.URL + " --service ", []string{"default/s", "default/t"}},
		"SETs":             {"evacuate --server " + server.URL + " --set q", []string{"qb.novel.z"}},
		"zones":            {"evacuate --server " + server.URL + " --zone ", []string{"south/sz"}},
		"campuses":         {"drill --server " + server.URL + " --campus ", []string{"south/sz/sz-1"}},
		"no such zone":     {"evacuate --server " + server.URL + " --zone north", nil},
		"without a server": {"who --server http://127.0.0.1:1 --service ", nil},
		"a silent server":  {"who --server " + silent.URL + " --service ", nil},
		"words of a plan":  {"plan --fail-on ref", []string{"refused"}},
		"commands":         {"vers", []string{"version"}},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			_, stdout, _ := setctl(t, append([]string{"__completeNoDesc"}, strings.Split(c.args, " ")...)...)
			lines := strings.Split(strings.TrimSpace(stdout), "\n")
			got := slices.DeleteFunc(lines, func(s string) bool { return strings.HasPrefix(s, ":") })
			if len(got) == 0 {
				got = nil
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if took := time.Since(begun); took > 10*completionPatience {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// Every command has examples, and they are command lines that its flags allow.
func TestExamples(t *testing.T) {
	for _, c := range newRoot().Commands() {
		if c.Name() == "completion" || c.Name() == "help" {
			continue
		}
		if c.Example == "" {
			t.Errorf("setctl %s has no example", c.Name())
		}
		for line := range strings.Lines(c.Example) {
			words := strings.Fields(line)
			found, rest, err := newRoot().Find(words[1:])
			if err != nil || found.Name() != c.Name() {
				t.Errorf("%q is no example of %s: %v", line, c.Name(), err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
	}
}
