package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Files in the config center are checked and planned with as local ones.
func TestConfigFiles(t *testing.T) {
	saved := map[string]string{
		"polaris://n/g/r.yaml":   "version: 1\nrules: [{name: r, service: default/s, nearby: {}}]\n",
		"polaris://n/g/bad.yaml": "version: 1\nrules: [{name: r}]\n",
		"polaris://n/g/none.csv": " ",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.FormValue("name")
		content, ok := saved[name]
		if r.URL.Path != "/setrouter/v1/configfile" || !ok {
			w.WriteHeader(http.StatusNotFound)
			_ = json.NewEncoder(w).Encode(map[string]string{"code": "not-found", "message": name + ": nothing is saved under this name"})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"name": name, "content": content})
	}))
	t.Cleanup(server.Close)
	t.Setenv("SETROUTER_SERVER", server.URL)
	for _, tt := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"polaris://n/g/r.yaml", "m.yaml"}, 0, "ok: 1 mapping file with 2 entries, 1 routing file with 1 rule or address\n", ""},
		{[]string{"polaris://n/g/bad.yaml", "polaris://n/g/none.csv"}, 1, "polaris://n/g/bad.yaml:2:9: the rule has no service, expected service: namespace/name\n" +
			"polaris://n/g/none.csv: is empty; delete the file or give it content\n2 problems\n", ""},
		{[]string{"polaris://n/g/x.yaml"}, 1, "", "setctl: polaris://n/g/x.yaml: nothing is saved under this name\n"},
		{[]string{"polaris://n/g"}, 2, "", "setctl: \"polaris://n/g\" is no name in the config center, expected as polaris://Polaris/setrouter/routing.yaml: namespace, group and file\n"},
	} {
		code, stdout, stderr := setctl(t, append([]string{"check"}, tt.args...)...)
		if diff := cmp.Diff([]any{tt.code, tt.stdout, tt.stderr}, []any{code, stdout, stderr}); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.args, diff)
		}
	}
}
