package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// cmdbServer is a CMDB that has a text for GET, and entries for POST in pages. Without a
// text it answers 503.
type cmdbServer struct {
	*httptest.Server
	text atomic.Value
}

func newCMDB(t *testing.T, text string) *cmdbServer {
	c := &cmdbServer{}
	c.text.Store(text)
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *cmdbServer) serve(w http.ResponseWriter, q *http.Request) {
	text := c.text.Load().(string)
	switch {
	case text == "":
		http.Error(w, "away", http.StatusServiceUnavailable)
	case q.Method == http.MethodPost && q.Header.Get("Authorization") == "secret-token":
		_ = json.NewEncoder(w).Encode(map[string]any{"total": 2, "size": 2, "code": 200000, "info": "ok", "data": []any{
			map[string]any{"ip": "127.1.0.0/16", "type": "mask", "region": map[string]any{"name": "east"}, "zone": map[string]any{"name": "shanghai"}},
			map[string]any{"ip": "127.2.3.4", "type": "host", "region": map[string]any{"name": "south"}},
		}})
	case q.Method == http.MethodGet && q.Header.Get("Authorization") == "Bearer secret-token":
		fmt.Fprint(w, text)
	default:
		http.Error(w, "no right", http.StatusForbidden)
	}
}

// config is the configuration whose mapping is fetched.
func (c *cmdbServer) config(t *testing.T, option string) string {
	return replacedConfig(t, "option: {files: [conf/mapping/*.yaml, conf/mapping/*.csv]}", "option: {"+strings.ReplaceAll(option, "URL", c.URL)+"}")
}

const fetchFiles = `files: ["URL/mapping.yaml?key=secret-query"], interval: 1s, tokenFile: conf/token`

// With the CMDB away at the start, the copy on disk is used; without a copy the start
// fails, and with startWithout it does not (docs/design.md, 3).
func TestMappingOverHTTPAtStart(t *testing.T) {
	cmdb := newCMDB(t, "")
	o := polaristest.Options{Config: cmdb.config(t, fetchFiles), Files: map[string]string{"conf/token": "secret-token\n", "conf/routing/routing.yaml": routing}}
	o.Binary, o.Dir = serverBinary, t.TempDir()
	_, err := polaristest.Start(t.Context(), o)
	want := "[ERROR] mapping: " + cmdb.URL + `/mapping.yaml: answered "503 Service Unavailable", expected 200; and no copy on disk can stand in: open data/setrouter/mapping-http.json: no such file or directory`
	if err == nil || !strings.Contains(err.Error(), "exit code 1:") || !strings.Contains(err.Error(), want) {
		t.Fatalf("%v\nwant exit code 1 and %s", err, want)
	}

	server, console := start(t, polaristest.Options{Config: cmdb.config(t, fetchFiles+", startWithout: true"), Files: o.Files})
	registerNovel(t, console, "novel")
	caller := polaristest.Request{Source: shanghai, Service: "novel"}
	says(t, server, 1, "nothing in force", "REFUSED", `answered "503 Service Unavailable"`, "!secret")
	cmdb.text.Store(mapping)
	says(t, server, 0, "!REFUSED", "fetched", cmdb.URL+"/mapping.yaml", "!secret")
	eventually(t, server, caller, "10.11.0.1")

	cmdb.text.Store("")
	says(t, server, 1, "REFUSED", `answered "503 Service Unavailable"`)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	again, _ := start(t, polaristest.Options{Replaces: server, Config: cmdb.config(t, fetchFiles), Files: o.Files})
	eventually(t, again, caller, "10.11.0.1")
	says(t, again, 1, "COPY", "REFUSED")
	cmdb.text.Store(mapping)
	says(t, again, 0, "!COPY", "!REFUSED")
	if log := again.Log(); strings.Contains(log, "secret") {
		t.Error("the log has a secret")
	}
}

// While the server runs, the last good mapping stays, whatever the CMDB answers.
func TestMappingOverHTTPLater(t *testing.T) {
	cmdb := newCMDB(t, mapping)
	server, console := start(t, polaristest.Options{Config: cmdb.config(t, fetchFiles), Files: map[string]string{"conf/token": "secret-token"}})
	registerNovel(t, console, "novel")
	caller := polaristest.Request{Source: shanghai, Service: "novel"}
	eventually(t, server, caller, "10.11.0.1")
	for answer, want := range map[string]string{
		"<html>sign in</html>":          "answered with a page of HTML",
		mapping[:len(mapping)-40] + "]": "not valid YAML",
		"version: 1\nmappings:\n  - {match: 10.23.0.0/16, region: east, zone: nanjing, campus: nanjing-4}\n": "shrinkGuardPercent",
		"version: 1\nmapings: []\n": `unknown key "mapings"; did you mean "mappings"?`,
	} {
		cmdb.text.Store(answer)
		says(t, server, 1, "REFUSED", want)
		eventually(t, server, caller, "10.11.0.1")
	}
	if err := os.WriteFile(filepath.Join(server.Dir, "conf/token"), []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, server, 1, `answered "403 Forbidden"`)
	if err := os.WriteFile(filepath.Join(server.Dir, "conf/token"), []byte("secret-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmdb.text.Store(strings.Replace(mapping, "qb.novel.h", "qb.novel.z", 1))
	eventually(t, server, caller, "10.12.0.1")
	says(t, server, 0, "!REFUSED")
}

// The options of Polaris's own CMDB plugin are those of this one, but for the name.
func TestOptionsOfMemory(t *testing.T) {
	cmdb := newCMDB(t, "there")
	const option = `url: "URL/ips", token: secret-token, interval: 1s`
	server, _ := start(t, polaristest.Options{Config: cmdb.config(t, option)})
	code, out := setctl(t, server, "lookup", "127.1.7.7")
	if code != 0 || !strings.Contains(out, "shanghai") || !strings.Contains(out, cmdb.URL+"/ips#entries.csv:2") {
		t.Errorf("exit code %d: %s", code, out)
	}
	cmdb.text.Store("")
	says(t, server, 1, "REFUSED", `page 1: answered "503 Service Unavailable"`, "!secret")
	if code, out := setctl(t, server, "lookup", "127.2.3.4"); code != 0 || !strings.Contains(out, "south") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
