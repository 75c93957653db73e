package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// adminListener answers status with an empty one, and nodes as it is told.
func adminListener(t *testing.T, answer func(http.ResponseWriter)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/status") {
			fmt.Fprint(w, `{"callers": {"requests": 12345678901234567}}`)
			return
		}
		answer(w)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A server that does not know the question is no fault; another refusal is.
func TestStatusOfOlderServer(t *testing.T) {
	refusing := func(code int) string {
		return adminListener(t, func(w http.ResponseWriter) {
			w.WriteHeader(code)
			fmt.Fprint(w, `{"code": "c", "message": "a message"}`)
		})
	}
	old := refusing(http.StatusNotFound)
	if code, out, _ := setctl(t, "status", "--server", old); code != 0 || !strings.Contains(out, "nodes: the server is older than this setctl, and does not tell") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, out, _ := setctl(t, "status", "--server", old, "-o", "json"); code != 0 || strings.Contains(out, "nodes") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, _, errs := setctl(t, "status", "--server", refusing(http.StatusInternalServerError)); code != 1 || errs != "setctl: a message\n" {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// What nodes say, and where someone says they are, is quoted.
func TestNodesQuotesWhatPeersSay(t *testing.T) {
	const evil = "\x1b[2J\n\u202eagree: true"
	cluster := api.Cluster{
		Reasons: []string{"a " + evil}, Note: evil, Nodes: []api.Node{
			{Address: "a" + evil, Self: true, Summary: &api.Summary{Files: []api.NodeFiles{{Kind: api.KindRouting, Digest: evil, Refused: true}}}},
			{Address: "b", Healthy: true, Problem: evil}, {Address: "c", Problem: "does not answer"},
			{Address: "d", Healthy: true, Summary: &api.Summary{Instances: 7, Services: 2, Files: []api.NodeFiles{{Kind: api.KindMapping, Digest: "0123", Copy: true, Gray: true}}}},
		},
	}
	url := adminListener(t, func(w http.ResponseWriter) { _ = json.NewEncoder(w).Encode(cluster) })
	code, out, _ := setctl(t, "status", "--server", url)
	if code != 1 || strings.ContainsAny(out, "\x1b\u202e") || strings.Contains(out, "\nagree") {
		t.Errorf("exit code %d: %q", code, out)
	}
	text := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{
		"nodes: 4, agree: false", `"a\x1b[2J\n\u202eagree: true" this one no mapping routing "\x1b[2J\n\u202eagree: true" REFUSED 0 evacuations 0 instances of 0 services`,
		"c dropped by Polaris does not answer", "d mapping 0123 GRAY COPY no routing 0 evacuations 7 instances of 2 services", `DISAGREE "a \x1b`, `NOTE "\x1b`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not %q: %s", want, text)
		}
	}
	_, out, _ = setctl(t, "status", "--server", url, "-o", "json")
	var whole struct {
		Callers struct{ Requests json.Number }
		Nodes   api.Cluster
	}
	if err := json.Unmarshal([]byte(out), &whole); err != nil || whole.Nodes.Nodes[3].Summary.Instances != 7 || whole.Callers.Requests != "12345678901234567" {
		t.Errorf("%v: %s", err, out)
	}
}
