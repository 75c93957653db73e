package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/needs"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// A server starts whatever version its build gives it. It registers what Polaris
// takes, and says the whole one in `version` and among the nodes.
func TestLongVersions(t *testing.T) {
	stamped := func(stamp string) func(*testing.T) string {
		return func(t *testing.T) string {
			binary := filepath.Join(t.TempDir(), "polaris-server")
			done(t, polaristest.Build(".", binary, "-buildvcs=false", "-ldflags", "-X github.com/polaris-contrib/setrouter/internal/buildinfo.stamp="+stamp, "."))
			return binary
		}
	}
	for _, tt := range []struct {
		name        string
		build       func(*testing.T) string
		pack, short string // empty: as the commit of the build has it
	}{
		{"make build, after a tag", stamped("v0.9.0-1-g00ae172-dirty"), "v0.9.0-1-g00ae172-dirty", "00ae172-dirty"},
		{"make build, a long tag", stamped("v0.9.0-the-long-awaited"), "v0.9.0-the-long-awaited", "v0.9.0-the-lon"},
		{"go build, after a tag", buildTagged, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			binary := tt.build(t)
			out, err := exec.Command(binary, "version").Output()
			done(t, err)
			version, polaris := strings.TrimSpace(string(out)), "v1.18.1+setrouter."
			pack, ok := strings.CutPrefix(version, "version: "+polaris)
			if tt.pack == "" { // v0.9.1-0.20261125235853-00ae1725ee31
				tt.pack, tt.short = pack, pack[strings.LastIndexByte(pack, '-')+1:]
				ok = ok && strings.HasPrefix(pack, "v0.9.1-0.") && len(polaris+pack) > 32
			}
			if !ok || pack != tt.pack {
				t.Fatalf("the server says %q", version)
			}
			server, console := startBinary(t, binary, polaristest.Options{})
			if got := registered(t, console); got != polaris+tt.short {
				t.Errorf("registered is %q, want %q", got, polaris+tt.short)
			}
			if nodes := fetch(t, server, "", "/setrouter/v1/nodes"); !strings.Contains(nodes, `"version": "`+tt.pack+`"`) {
				t.Errorf("the nodes have no version %q: %s", tt.pack, nodes)
			}
		})
	}
}

// buildTagged builds the server as `go build` does in a git checkout whose
// history has a tag. The checkout is a copy of this one.
func buildTagged(t *testing.T) string {
	t.Helper()
	needs.Program(t, "git")
	dir := t.TempDir()
	for _, part := range []string{"build/polaris-server", "internal", "plugin"} {
		done(t, os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join("../..", part))))
	}
	for _, name := range []string{"go.mod", "go.sum", "registry.go"} {
		done(t, os.WriteFile(filepath.Join(dir, name), []byte(repoFile(t, name)), 0o600))
	}
	for _, args := range []string{"init -q", "add .", "commit -q -m first", "tag v0.9.0", "commit -q -m second --allow-empty"} {
		git := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=test", "-c", "user.email=test@example.com"}, strings.Fields(args)...)...)
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	binary := filepath.Join(t.TempDir(), "polaris-server")
	done(t, polaristest.Build(filepath.Join(dir, "build/polaris-server"), binary, "-buildvcs=true", "."))
	return binary
}

// registered is the version of the server's own instance.
func registered(t *testing.T, console *polaristest.Console) string {
	t.Helper()
	var reply struct{ Instances []struct{ Version string } }
	wait(t, func() error {
		text, err := console.Fetch(t.Context(), "/naming/v1/instances?namespace=Polaris&service=polaris.checker&limit=10")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &reply); err != nil || len(reply.Instances) != 1 {
			return errorf("the server's own instances: %s, %v", text, err)
		}
		return nil
	})
	return reply.Instances[0].Version
}
