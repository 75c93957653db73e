package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// centerServer answers as an admin listener whose routing files are in the
// config center.
type centerServer struct {
	names     []string
	ids       []string // of evacuations in polaris://n/g/r.yaml
	file      map[string]any
	token     string
	published map[string]string
}

func (s *centerServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var answer any
	switch strings.TrimPrefix(r.Method+" "+r.URL.Path, "/") {
	case "GET /setrouter/v1/status":
		evacuations := []map[string]any{}
		for _, id := range s.ids {
			evacuations = append(evacuations, map[string]any{"id": id, "file": s.names[0]})
		}
		answer = map[string]any{
			"files":       []map[string]any{{"kind": "mapping", "names": []string{"polaris://n/g/m.yaml"}}, {"kind": "routing", "names": s.names}},
			"evacuations": evacuations,
		}
	case "GET /setrouter/v1/dump":
		text, _ := s.file["released"].(map[string]string)
		answer = map[string]any{
			"version": 1, "now": time.Now(), "routing": []map[string]string{{"name": "polaris://n/g/r.yaml", "content": text["content"]}},
			"instances": []map[string]any{{"id": "1", "service": map[string]string{"namespace": "default", "name": "s"}, "host": "10.1.0.1", "port": 80, "location": map[string]string{"region": "south"}, "healthy": true, "weight": 100}},
		}
	case "GET /setrouter/v1/configfile":
		answer = s.file
	case "POST /setrouter/v1/configfile":
		if s.token = r.Header.Get("x-polaris-token"); s.token != "good" {
			w.WriteHeader(http.StatusForbidden)
			answer = map[string]string{"code": "refused", "message": "Polaris refuses"}
			break
		}
		_ = json.NewDecoder(r.Body).Decode(&s.published)
		s.published["name"] = r.FormValue("name")
		answer = map[string]string{}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func TestEvacuateInConfigCenter(t *testing.T) {
	const text = "version: 1\n# evacuations\n"
	released := map[string]string{"content": text, "md5": "m1"}
	fine := map[string]any{"content": text, "md5": "m1", "released": released}
	drafted := map[string]any{"content": "half", "md5": "m2", "draft": true, "released": released}
	mixed := map[string]any{"content": text, "released": map[string]string{"content": text + "rules: []\n", "md5": "m1"}}
	one, two := []string{"conf/r.yaml", "polaris://n/g/r.yaml"}, []string{"polaris://n/g/r.yaml", "polaris://n/g/s.yaml"}
	for _, tt := range []struct {
		name      string
		server    centerServer
		args      string
		code      int
		want      string // stdout or stderr
		published bool
	}{
		{"the only one", centerServer{names: one, file: fine}, "", 0, " in polaris://n/g/r.yaml: {region: \"south\"", true},
		{"named", centerServer{names: two, file: fine}, "--file polaris://n/g/s.yaml", 0, " in polaris://n/g/s.yaml: ", true},
		{"one of several", centerServer{names: two, file: fine}, "", 1, "has several files for evacuations in the config center, give one as --file: polaris://n/g/r.yaml polaris://n/g/s.yaml", false},
		{"beside rules", centerServer{names: one, file: mixed}, "", 1, "has no file in the config center that has evacuations and nothing else: who publishes rules anew would end an evacuation beside them; publish one with the lines \"version: 1\" and \"evacuate: []\", by setctl publish evacuate.yaml --to polaris://n/g/evacuate.yaml, and name it in the configuration of every server, among the files of plugin.router", false},
		{"in a file with rules", centerServer{names: one, file: mixed}, "--file polaris://n/g/r.yaml", 1, "polaris://n/g/r.yaml has more than evacuations: who publishes its rules anew would end the evacuation", false},
		{"nothing in force", centerServer{file: fine}, "", 1, "has no routing file in force, see setctl status", false},
		{"none", centerServer{names: one[:1], file: fine}, "", 1, "has no routing file from the config center in force; give --file, on the server it is one of: conf/r.yaml", false},
		{"a bad name", centerServer{}, "--file polaris://n", 2, "is no name in the config center", false},
		{"nothing published", centerServer{names: one, file: map[string]any{"content": text}}, "--file polaris://n/g/r.yaml", 1, "nothing is published under this name; publish it: setctl publish FILE --to polaris://n/g/r.yaml", false},
		{"a gray release", centerServer{names: one, file: map[string]any{"released": released, "gray": map[string]string{"name": "g1"}}}, "", 1, `the gray release "g1" is active, and Polaris publishes nothing beside one: end it first: setctl publish --to polaris://n/g/r.yaml --stop-gray`, false},
		{"a draft", centerServer{names: one, file: drafted}, "", 1, "keep it in a local file with --draft-to FILE", false},
		{"a draft kept", centerServer{names: one, file: drafted}, "--draft-to d.yaml", 0, "evacuating ", true},
		{"a draft kept nowhere", centerServer{names: one, file: drafted}, "--draft-to r.yaml", 1, "the draft cannot be kept, nothing was published: open r.yaml: file exists", false},
		{"a wrong token", centerServer{names: one, file: fine}, "--polaris-token bad", 1, "Polaris refuses; setctl sends that of SETROUTER_POLARIS_TOKEN or --polaris-token", false},
		{"no such evacuation", centerServer{names: one, file: fine}, "--end 12345678", 1, "has no evacuation \"12345678\", see setctl status", false},
		{"an evacuation that is not in the file", centerServer{names: one[1:], ids: []string{"12345678"}, file: fine}, "--end 12345678", 1, "polaris://n/g/r.yaml has no evacuation \"12345678\", see setctl status", false},
		{"an evacuation on a machine", centerServer{names: one, ids: []string{"12345678"}, file: fine}, "--end 12345678", 1, "evacuation 12345678 is in conf/r.yaml, a file on the machine of the server at ", false},
	} {
		server := httptest.NewServer(&tt.server)
		t.Setenv("SETROUTER_SERVER", server.URL)
		t.Setenv("SETROUTER_POLARIS_TOKEN", "good")
		args := []string{"evacuate", "--region", "south", "--for", "1h", "--reason", strings.Repeat("电", 300)}
		if strings.Contains(tt.args, "--end") {
			args = args[:1]
		}
		code, stdout, stderr := setctl(t, append(args, strings.Fields(tt.args)...)...)
		server.Close()
		if code != tt.code || !strings.Contains(stdout+stderr, tt.want) {
			t.Errorf("%s: exit code %d: %s%s, want %d: %s", tt.name, code, stdout, stderr, tt.code, tt.want)
		}
		p := tt.server.published
		if tt.published != (p != nil) {
			t.Errorf("%s: published %v", tt.name, p)
		}
		if !tt.published {
			continue
		}
		if p["base"] != "m1" || !strings.HasPrefix(p["content"], text+"evacuate:\n  - {region: ") || !strings.HasPrefix(p["release"], "setrouter-evacuate-") || len([]rune(p["description"])) != maxDescription {
			t.Errorf("%s: published %v", tt.name, p)
		}
		if kept, _ := os.ReadFile("d.yaml"); (p["draft"] == "m2") != (string(kept) == "half") {
			t.Errorf("%s: kept %q for %v", tt.name, kept, p)
		}
	}
}
