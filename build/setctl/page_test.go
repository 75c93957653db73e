package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/buildinfo"
	"github.com/polaris-contrib/setrouter/internal/test/commandpage"
)

const commandsHead = `<!-- Made by: go test ./build/setctl -run TestCommandsPage -update -->
# Reference: every command

For operators who have a command before them and ask for its flags. When to use which is in [build/setctl](../../build/setctl/README.md); an
incident with them, from the alert to the end, is in [operations.md](../operations.md), and a change of rules in [rollout.md](../rollout.md).
The keys of files are in [configuration.md](configuration.md).

Commands of ` + "`polaris-server`" + ` are those of the stock server: ` + "`polaris-server start` (`--config`, `-c`: the configuration, by default `conf/polaris-server.yaml`)" + `,
` + "`polaris-server version` and `polaris-server revision`. `polaris-server plugins`" + ` is ours: it prints which plugins are compiled in, with kind, name, version and package.

This page is made of the commands' own definitions, and the outputs are those of tests. ` + "`setctl COMMAND --help`" + ` says the same.

Exit codes: 0 success; 1 what was checked does not hold, or the server does not answer or refuses; 2 wrong usage. Where ` + "`LC_ALL`, `LC_MESSAGES` or `LANG`" + `
begins with ` + "`zh`" + `, what operators need at night is in Chinese.

Every command takes ` + "`-o json`" + ` (` + "`--output`" + `): `

// The page has each command and each flag, and is what they say.
func TestCommandsPage(t *testing.T) {
	t.Setenv("SETROUTER_SERVER", "")
	var b bytes.Buffer
	root := newRoot()
	b.WriteString(commandsHead + root.PersistentFlags().Lookup("output").Usage + ".\n")
	root.InitDefaultCompletionCmd()
	commandpage.Write(t, &b, root, commandOutputs(t))
	commandpage.Compare(t, "../../docs/reference/commands.md", b.Bytes(), *update)
}

// commandOutputs returns an output of each command: of pages and golden files that tests
// make, or made here.
func commandOutputs(t *testing.T) map[string]commandpage.Output {
	outputs := map[string]commandpage.Output{"completion": {}} // a script for the shell
	for command, page := range map[string]string{
		"check": "start.md", "lookup": "tutorial-set.md", "test": "gallery.md", "import": "import.md", "plan": "rollout.md", "callers": "callers-addresses.md",
		"explain": "operations.md", "who": "operations.md", "drill": "operations.md", "status": "operations.md", "evacuate": "operations.md",
	} {
		outputs[command] = commandpage.FromPage(t, "../..", "docs/"+page, "setctl", command)
	}
	for _, command := range []string{"publish", "rollback", "history"} {
		text, err := os.ReadFile(filepath.Join("../polaris-server/testdata/outputs", command+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		line, rest, _ := strings.Cut(string(text), "\n")
		outputs[command] = commandpage.Output{Line: strings.TrimPrefix(line, "$ "), Text: rest}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/reload") {
			_, _ = io.WriteString(w, `[{"kind": "mapping", "ok": true, "entries": 5}, {"kind": "routing", "ok": true, "entries": 2}]`)
			return
		}
		_, _ = io.WriteString(w, `{"now": "2026-11-25T00:00:00Z", "sources": ["mapping", "registry"], "services": [{"namespace": "default", "name": "server-b"}], "instances": [
			{"id": "1", "service": {"namespace": "default", "name": "server-b"}, "host": "10.11.0.1", "port": 80, "healthy": true, "weight": 100, "metadata": {"internal-set-name": "qb.novel.h"}}]}`)
	}))
	defer server.Close()
	for _, command := range []string{"reload", "dump", "version"} {
		args := []string{command}
		if command != "version" {
			args = append(args, "--server", server.URL)
		}
		code, out, errs := here(args...)
		if code != 0 {
			t.Errorf("%s: exit code %d: %s", command, code, errs)
		}
		out = strings.ReplaceAll(out, buildinfo.Version(buildinfo.SetRouter), "VERSION")
		outputs[command] = commandpage.Output{Line: fmt.Sprint("setctl ", command), Text: out}
	}
	return outputs
}
