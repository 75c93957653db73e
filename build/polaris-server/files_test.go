package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// A server that cannot start says why, on standard output, and exits with 1.
func TestFailedStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // after the parallel subtests
	port := strings.TrimPrefix(taken.Addr().String(), "127.0.0.1:")
	replaced := func(old, new string) string { return replacedConfig(t, old, new) }
	tests := []struct {
		name  string
		o     polaristest.Options
		wants string
	}{
		{"bad mapping", polaristest.Options{Files: map[string]string{"conf/mapping/mapping.yaml": "version: 1\nmappings:\n  - {match: 10.1.2.3/16, set: a.b.c}\n"}},
			`[ERROR] mapping: conf/mapping/mapping.yaml:3:13: prefix "10.1.2.3/16" has host bits set; did you mean "10.1.0.0/16"?`},
		{"bad routing", polaristest.Options{Files: map[string]string{"conf/routing/routing.yaml": "version: 1\nruels: []\n"}},
			`[ERROR] start components fail: routing: conf/routing/routing.yaml:2:1: unknown key "ruels"; did you mean "rules"?`},
		{"missing files", polaristest.Options{Config: replaced("conf/routing/*.yaml", "conf/nowhere/*.yaml")},
			`[ERROR] start components fail: routing: conf/nowhere/*.yaml: no such file; check the name, relative names start at the server's working directory`},
		{"misspelt option", polaristest.Options{Config: replaced("failOpen", "failopen")}, `[ERROR] configuration: conf/polaris-server.yaml:39:51: unknown key "failopen"; did you mean "failOpen"?`},
		{"misspelt option, without a mapping", polaristest.Options{Config: strings.Replace(replaced("failOpen", "failopen"), "name: mapping", "name: memory", 1)},
			`[ERROR] start components fail: configuration: conf/polaris-server.yaml:39:51: unknown key "failopen"; did you mean "failOpen"?`},
		{"misspelt listener", polaristest.Options{Config: replaced("name: set-admin", "name: setadmin")},
			`[ERROR] start components fail: configuration: conf/polaris-server.yaml:`},
		{"misspelt CMDB", polaristest.Options{Config: replaced("name: mapping", "name: maping")}, `plugin.cmdb.name "maping" is not a CMDB of this server, expected "mapping"`},
		{"no kubeconfig", polaristest.Options{Config: replaced("sources: [mapping, registry, report]", "kubernetes: {clusters: [{name: bj, kubeconfig: nowhere}]}")},
			`plugin.location.option.kubernetes: cluster "bj": kubeconfig "nowhere": `},
		{"unknown store", polaristest.Options{Store: "{name: noStore}"}, `noStore`},
		{"port taken", polaristest.Options{Config: replaced("{{.HTTP}}", port)},
			"api-http: listen tcp 127.0.0.1:" + port + ": bind: address already in use"},
		{"no certificate", polaristest.Options{Config: replaced("  - name: set-admin", "  - {name: xds-v3, option: {listenIP: 127.0.0.1, listenPort: 0, tls: {certFile: conf/absent.pem, keyFile: conf/key.pem}}}\n  - name: set-admin")},
			`xds-v3: tls: certFile "conf/absent.pem" with keyFile "conf/key.pem": open conf/absent.pem: no such file or directory`},
		{"port of the admin listener taken", polaristest.Options{Config: replaced("{{.Admin}}", port)}, "set-admin: listen tcp 127.0.0.1:" + port + ": bind: address already in use"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.Binary, tt.o.Dir = serverBinary, t.TempDir()
			for name, content := range map[string]string{"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": routing} {
				if tt.o.Files[name] == "" {
					if tt.o.Files == nil {
						tt.o.Files = map[string]string{}
					}
					tt.o.Files[name] = content
				}
			}
			server, err := polaristest.Start(t.Context(), tt.o)
			if err == nil {
				server.Kill()
				t.Fatal("the server started")
			}
			if !strings.Contains(err.Error(), "exit code 1:") || !strings.Contains(err.Error(), tt.wants) {
				t.Errorf("%v\nwant exit code 1 and %q", err, tt.wants)
			}
			again := runCommand(t, serverBinary, tt.o.Dir, "start")
			if again.code != 1 || !strings.Contains(again.stdout, tt.wants) || again.stderr != "" {
				t.Errorf("%+v\nwant exit code 1, %q on standard output, and nothing else on standard error", again, tt.wants)
			}
		})
	}
}

// While the server runs, a bad file changes nothing and is logged once.
func TestBadFileChangesNothing(t *testing.T) {
	server, console := start(t, polaristest.Options{})
	registerNovel(t, console, "novel")
	caller := polaristest.Request{Source: shanghai, Service: "novel"}
	eventually(t, server, caller, "10.11.0.1")
	logged := func(message string) {
		t.Helper()
		wait(t, func() error {
			if n := strings.Count(server.Log(), message); n != 1 {
				return errorf("logged %d times, want once: %s", n, message)
			}
			return nil
		})
		eventually(t, server, caller, "10.11.0.1")
	}

	write(t, server, "conf/mapping/mapping.yaml", "version: 1\nmappings: [{match: 10.1.0.0/33, set: a.b.c}]\n")
	logged(`mapping.yaml:2:20: \"10.1.0.0/33\" is not a prefix`)
	write(t, server, "conf/mapping/mapping.yaml", "version: 1\nmappings: [{match: 127.1.0.0/16, set: qb.novel.z}]\n")
	logged(`refused: 4 of 4 entries that say a place would leave their addresses without one (100%), as conf/mapping/mapping.yaml:4 (127.1.0.0/16)`)
	write(t, server, "conf/routing/routing.yaml", "")
	logged(`routing.yaml: is empty`)
	if err := os.Remove(filepath.Join(server.Dir, "conf/routing/routing.yaml")); err != nil {
		t.Fatal(err)
	}
	logged(`conf/routing/*.yaml: no such file`)

	write(t, server, "conf/mapping/mapping.yaml", strings.Replace(mapping, "qb.novel.h", "qb.novel.z", 1))
	write(t, server, "conf/routing/routing.yaml", routing)
	eventually(t, server, caller, "10.12.0.1")
}
