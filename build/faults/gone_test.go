package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Whatever way files or their directories go, the last good ones stay in force,
// for every single request; once they are back, all is in order by itself, and
// the next change is seen.
func TestFilesGoneAndBack(t *testing.T) {
	t.Parallel()
	texts := map[string]string{"mapping": mapping, "routing": routing}
	for kind, text := range texts {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			// The files are links through a link, as in a volume of Kubernetes.
			dir := t.TempDir()
			conf := filepath.Join(dir, "conf", kind)
			at := func(name string) string { return filepath.Join(conf, name) }
			must(t, errors.Join(os.MkdirAll(at("..v1"), 0o755), os.WriteFile(at("..v1/all.yaml"), []byte(text), 0o644),
				os.Symlink("..v1", at("..data")), os.Symlink("..data/all.yaml", at("all.yaml"))))
			others := map[string]string{}
			for other := range texts {
				if other != kind {
					others["conf/"+other+"/all.yaml"] = texts[other]
				}
			}
			server, console := start(t, polaristest.Options{Dir: dir, Files: others})
			must(t, console.Register(t.Context(), novel("novel")...))
			eventually(t, server, shanghai, "novel", "10.11.0.1")
			answers, stop := bystander(t, server)

			swap := func(target string) func() error {
				return func() error {
					return errors.Join(os.Symlink(target, at("..tmp")), os.Rename(at("..tmp"), at("..data")))
				}
			}
			for _, way := range []struct {
				name       string
				gone, back func() error
			}{
				{"the directory is renamed", func() error { return os.Rename(conf, conf+"-away") }, func() error { return os.Rename(conf+"-away", conf) }},
				{"the link leads nowhere", swap("..v0"), swap("..v1")},
				{"the file is removed", func() error { return os.Remove(at("all.yaml")) }, func() error { return os.Symlink("..data/all.yaml", at("all.yaml")) }},
				{"the directory is removed", func() error { return os.RemoveAll(conf) }, func() error { return server.WriteFile("conf/"+kind+"/all.yaml", text) }},
			} {
				must(t, way.gone())
				says(t, server, 1, "REFUSED conf/"+kind+"/", "no such file")
				if got := metric(t, server, `setrouter_load_refused{kind="`+kind+`"}`); got != 1 {
					t.Errorf("%s: setrouter_load_refused is %v", way.name, got)
				}
				served(t, answers)
				if code, out := setctl(t, server, "reload", "--force"); code != 1 || !strings.Contains(out, "no such file") {
					t.Errorf("%s: a forced reload ends with exit code %d: %s", way.name, code, out)
				}
				if log := server.Log(); !strings.Contains(log, "no such file") {
					t.Errorf("%s: the log does not say so: %s", way.name, log)
				}
				must(t, way.back())
				says(t, server, 0, "!REFUSED")
				if got := metric(t, server, `setrouter_load_refused{kind="`+kind+`"}`); got != 0 {
					t.Errorf("%s, and back: setrouter_load_refused is %v", way.name, got)
				}
			}
			stop()
			changed := strings.NewReplacer("127.1.0.0/16, set: qb.novel.h", "127.1.0.0/16, set: qb.novel.z", "set: {}", "set: {callee: qb.novel.z}").Replace(text)
			must(t, server.WriteFile("conf/"+kind+"/all.yaml", changed))
			eventually(t, server, shanghai, "novel", "10.12.0.1")

			// That there be none of a kind is said by a file.
			must(t, server.WriteFile("conf/"+kind+"/all.yaml", "version: 1\n"))
			says(t, server, 1, "REFUSED", map[string]string{
				"mapping": "2 of 2 entries that say a SET would leave their addresses without one (100%), as conf/mapping/all.yaml:4 (127.1.0.0/16)",
				"routing": "1 of 1 rules would be lost (100%), as rule \"novel\" of conf/routing/all.yaml:4",
			}[kind])
			if code, out := setctl(t, server, "reload", "--force"); code != 0 {
				t.Errorf("a forced reload ends with exit code %d: %s", code, out)
			}
			eventually(t, server, shanghai, "novel", "10.11.0.1", "10.12.0.1", "10.13.0.1", "10.14.0.1")
			says(t, server, 0, "!REFUSED")
		})
	}
}

// bystander asks for novel all the while, until it is stopped, and wants the same
// list each time. It counts the answers.
func bystander(t *testing.T, s *polaristest.Server) (answers *atomic.Int64, stop func()) {
	t.Helper()
	done, answers := make(chan struct{}), new(atomic.Int64)
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(pace):
			}
			if err := gets(t, s, shanghai, "novel", "10.11.0.1"); err != nil {
				t.Errorf("request %d: %v", answers.Load(), err)
				continue
			}
			answers.Add(1)
		}
	})
	stop = sync.OnceFunc(func() {
		close(done)
		asking.Wait()
		t.Logf("a bystander was answered %d times", answers.Load())
	})
	t.Cleanup(stop)
	return answers, stop
}

// served waits until a bystander has asked, and was answered, from now on.
func served(t *testing.T, answers *atomic.Int64) {
	t.Helper()
	before := answers.Load()
	wait(t, func() error {
		if n := answers.Load() - before; n < 2 { // it asked for the first one before
			return fmt.Errorf("a bystander was answered %d times more", n)
		}
		return nil
	})
}

// pace leaves a machine of two cores time for others.
const pace = 5 * time.Millisecond
