package main

import (
	"bytes"
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// ran is how a command ended.
type ran struct {
	code           int
	stdout, stderr string
}

// maxprocs is what a library logs at each start, of the stock server, too.
var maxprocs = regexp.MustCompile(`(?m)^\S+ \S+ maxprocs: .*\n`)

// runCommand runs a server's command in a directory.
func runCommand(t *testing.T, binary, dir string, args ...string) ran {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.SysProcAttr = polaristest.DieWithParent()
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), maxprocs.ReplaceAllString(stderr.String(), "")}
}

var buildStock = sync.OnceValues(func() (string, error) {
	binary := serverBinary + "-stock"
	return binary, polaristest.Build(".", binary, "github.com/polarismesh/polaris")
})

// stockServer is the server without this pack.
func stockServer(t *testing.T) string {
	t.Helper()
	binary, err := buildStock()
	done(t, err)
	return binary
}

// pluginsHelp is the line of the command that the stock server does not have.
var pluginsHelp = regexp.MustCompile(`(?m)^  plugins     print .*\n`)

// Commands do and print what those of the stock server do, but for the version,
// for the exit code where they fail, and for the command plugins.
func TestCommands(t *testing.T) {
	stock := stockServer(t)
	for _, tt := range []struct {
		args string
		code int
		says string // on standard error
	}{
		{"", 0, ""},
		{"--help", 0, ""},
		{"start --help", 0, ""},
		{"version --help", 0, ""},
		{"revision", 0, ""},
		{"help start", 0, ""},
		{"strat", 1, "Error: unknown command \"strat\" for \"polaris-server\"\n\nDid you mean this?\n\tstart\n\nRun 'polaris-server --help' for usage.\n"},
		{"start --confg x", 1, "Error: unknown flag: --confg\n"},
		{"--confg x", 1, "Error: unknown flag: --confg\n"},
		{"start -c nowhere.yaml", 1, ""},
	} {
		t.Run("polaris-server "+tt.args, func(t *testing.T) {
			got, want := runCommand(t, serverBinary, t.TempDir(), strings.Fields(tt.args)...), runCommand(t, stock, t.TempDir(), strings.Fields(tt.args)...)
			want.code, got.stdout = tt.code, pluginsHelp.ReplaceAllString(got.stdout, "")
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if got.stderr != tt.says {
				t.Errorf("on standard error %q, want %q", got.stderr, tt.says)
			}
			if failed := tt.code != 0; failed && got.stderr == "" && !strings.Contains(got.stdout, "\n[ERROR] ") {
				t.Errorf("no reason: %+v", got)
			}
		})
	}
	if got := runCommand(t, serverBinary, t.TempDir(), "version"); got.code != 0 || !strings.HasPrefix(got.stdout, "version: v1.18.1+setrouter.") {
		t.Errorf("version: %+v", got)
	}
}

// A second server in the same directory says that the store is open, and where
// it is configured.
func TestStoreIsOpen(t *testing.T) {
	server, _ := start(t, polaristest.Options{})
	got := runCommand(t, serverBinary, server.Dir, "start")
	want := ran{code: 1, stdout: "[ERROR] conf/polaris-server.yaml:35:43: store: another server has \"./polaris.bolt\" open, " +
		"expected one server for a store: stop the other one, or give this one a path of its own\n"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
