package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The sources of these tests in the config center.
var (
	routingFile = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "routing.yaml"}
	mappingFile = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "mapping/all.yaml"}
)

const routingSource = "polaris://Polaris/setrouter/routing.yaml"

// inConfigCenter is the configuration with both kinds of files there.
func inConfigCenter(t *testing.T) string {
	config := replacedConfig(t, "conf/routing/*.yaml", routingSource)
	return strings.ReplaceAll(config, "conf/mapping/*.yaml, conf/mapping/*.csv", "polaris://Polaris/setrouter/mapping/all.yaml")
}

// done wants a call to the console to succeed.
func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// says waits for `setctl status` to have words, or with a word of "!", not.
func says(t *testing.T, s *polaristest.Server, wantCode int, words ...string) {
	t.Helper()
	wait(t, func() error {
		code, out := setctl(t, s, "status")
		for _, w := range words {
			if not, is := strings.CutPrefix(w, "!"); strings.Contains(out, not) == is {
				return errorf("status has not %q: %s", w, out)
			}
		}
		if code != wantCode {
			return errorf("exit code %d, want %d: %s", code, wantCode, out)
		}
		return nil
	})
}

// Files in the config center are published, refused and rolled back in the
// console, and answers follow.
func TestConfigCenter(t *testing.T) {
	server, console := start(t, polaristest.Options{Config: inConfigCenter(t)})
	ctx, caller := t.Context(), polaristest.Request{Source: shanghai, Service: "novel"}
	registerNovel(t, console, "novel")
	all := []string{"10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1"}
	eventually(t, server, caller, all...)
	says(t, server, 1, "nothing in force", routingSource+": nothing is published under this name", "mapping/all.yaml: nothing is published")
	if log := server.Log(); !strings.Contains(log, "routing files refused, and none are in force") {
		t.Error("the log does not say that nothing is in force")
	}

	// Saved is not published, and can be checked.
	done(t, console.Save(ctx, routingFile, "version: 1\nruels: []\n"))
	if code, out := setctl(t, server, "check", routingSource); code != 1 || !strings.Contains(out, routingSource+":2:1: unknown key \"ruels\"; did you mean \"rules\"?") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, out := setctl(t, server, "check", "polaris://Polaris/other/secret"); code != 1 || !strings.Contains(out, "not among the files in the server's configuration") {
		t.Errorf("exit code %d: %s", code, out)
	}

	done(t, console.Publish(ctx, mappingFile, "m1", mapping))
	done(t, console.Publish(ctx, routingFile, "r1", routing))
	published := time.Now()
	eventually(t, server, caller, "10.11.0.1")
	t.Logf("in force %v after it was published", time.Since(published))
	says(t, server, 0, "!REFUSED", "!COPY", "!PROBLEM")
	if code, out := setctl(t, server, "check", routingSource); code != 0 {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, out := setctl(t, server, "plan", "--routing", routingSource); code != 0 || !strings.Contains(out, "changed       0") {
		t.Errorf("exit code %d: %s", code, out)
	}

	// A broken release is refused, at its place in the file; one for another node counts for nothing.
	done(t, console.Publish(ctx, routingFile, "r2", "version: 1\nruels: []\n"))
	says(t, server, 1, "REFUSED", routingSource+":2:1: unknown key \"ruels\"; did you mean \"rules\"?")
	eventually(t, server, caller, "10.11.0.1")
	done(t, console.Rollback(ctx, routingFile, "r1"))
	says(t, server, 0, "!REFUSED")
	done(t, console.PublishGray(ctx, mappingFile, "gray", "version: 1\n", "10.0.0.1"))
	done(t, console.Publish(ctx, routingFile, "r3", strings.Replace(routing, "set: {}}", "set: {tiers: [pool]}}", 1)))
	eventually(t, server, caller, "10.13.0.1")
	done(t, console.Rollback(ctx, routingFile, "r1"))
	eventually(t, server, caller, "10.11.0.1")
	says(t, server, 0, "!REFUSED")

	// Gone is not empty: what is in force stays.
	done(t, console.Unpublish(ctx, routingFile, "r1"))
	says(t, server, 1, "REFUSED", "nothing is published under this name")
	eventually(t, server, caller, "10.11.0.1")
}

// After a restart the releases are in force before the first request; where the
// release of now does not load, the copy on disk is.
func TestConfigCenterRestart(t *testing.T) {
	o := polaristest.Options{Dir: t.TempDir(), Config: inConfigCenter(t)}
	first, console := start(t, o)
	registerNovel(t, console, "novel")
	done(t, console.Publish(t.Context(), mappingFile, "m1", mapping))
	done(t, console.Publish(t.Context(), routingFile, "r1", routing))
	caller := polaristest.Request{Source: shanghai, Service: "novel"}
	want := eventually(t, first, caller, "10.11.0.1").Service.Revision
	done(t, console.Publish(t.Context(), routingFile, "r2", "version: 2\n"))
	says(t, first, 1, "REFUSED")
	done(t, first.Kill())

	second, console := start(t, o)
	if got := discover(t, second, caller); got.Service.Revision != want {
		t.Errorf("after the restart hosts %v, revision %s, want %s", hosts(got), got.Service.Revision, want)
	}
	says(t, second, 1, "COPY", "in force is the copy on disk, made ", routingSource+":1:10: ")
	done(t, console.Rollback(t.Context(), routingFile, "r1"))
	says(t, second, 0, "!COPY", "!REFUSED")
	for _, kind := range []string{"mapping", "routing"} {
		if _, err := os.Stat(filepath.Join(o.Dir, "data", "setrouter", kind+".json")); err != nil {
			t.Error(err)
		}
	}
}
