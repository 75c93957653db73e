package faults

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/polaris-contrib/setrouter/internal/test/mappingtest"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var kills = flag.Int("kills", 4, "how often TestKilledDuringReload kills the server")

// moreKills are the most that follow where none came while a copy was written.
const moreKills = 8

// copies is where the server keeps the contents in force of the config center.
const copies = "data/setrouter"

// Mapping and routing in the config center, beside those on disk.
var (
	mappingFile = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "mapping.yaml"}
	routingFile = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "routing.yaml"}
)

// inConfigCenter is the configuration with files in the config center, too.
func inConfigCenter(t *testing.T) string {
	return config(t, "conf/routing/*.yaml", "conf/routing/*.yaml, \"polaris://Polaris/setrouter/routing.yaml\"",
		"conf/mapping/*.csv", "conf/mapping/*.csv, \"polaris://Polaris/setrouter/mapping.yaml\"")
}

// generation is a state of all files. Each gives other lists than the one before;
// a file of which a part is missing gives stock answers, since what counts stands
// at its end.
type generation int

func (g generation) set() string  { return fmt.Sprintf("qb.novel.g%d", g%10) }
func (g generation) host() string { return fmt.Sprintf("10.20.0.%d", g%10) }

// filler makes the files large: reading them takes a while.
var filler = string(mappingtest.CSV(mappingtest.Entries(20_000)))

func (g generation) mappingOnDisk() string {
	return filler + "127.1.0.0/16,,,," + g.set() + ",\n"
}

func (g generation) routingOnDisk() string {
	return g.routing("disk", "\n  - {name: mapped, service: default/mapped, set: {}}")
}

func (g generation) mapping() string {
	var b strings.Builder
	b.WriteString("version: 1\nmappings:\n")
	for n := range 40_000 {
		fmt.Fprintf(&b, "  - {match: 12.0.%d.%d, set: qb.novel.h}\n", n>>8, n&255)
	}
	return b.String() + "  - {match: 127.2.0.0/16, set: " + g.set() + "}\n"
}

// routing has a rule at its end that sends everybody to the generation's SET.
func (g generation) routing(name, more string) string {
	var b strings.Builder
	b.WriteString("version: 1\nrules:")
	for n := range 1000 {
		fmt.Fprintf(&b, "\n  - {name: %s-%d, service: default/%[1]s-%[2]d, set: {}}", name, n)
	}
	return b.String() + more + fmt.Sprintf("\n  - {name: %s, service: default/%[1]s, set: {callee: %s}}\n", name, g.set())
}

func (g generation) center() string { return g.routing("center", "") }

// write puts the files on disk in place, as operators should: by renames.
func (g generation) write(dir string) error {
	return errors.Join(replace(filepath.Join(dir, "conf/mapping/all.csv"), g.mappingOnDisk()), replace(filepath.Join(dir, "conf/routing/all.yaml"), g.routingOnDisk()))
}

// publish publishes the generation, under names that are never used again: a kill
// can come between the two.
func (g generation) publish(t *testing.T, c *polaristest.Console) error {
	release := fmt.Sprint(time.Now().UnixNano())
	return errors.Join(c.Publish(t.Context(), mappingFile, release, g.mapping()), c.Publish(t.Context(), routingFile, release, g.center()))
}

func replace(name, text string) error {
	temp := filepath.Join(filepath.Dir(name), ".new")
	return errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(temp, []byte(text), 0o644), os.Rename(temp, name))
}

// inForce wants lists of generations: of the files on disk, and of mapping and
// routing from the config center.
func inForce(t *testing.T, s *polaristest.Server, disk, mapping, routing generation) error {
	return errors.Join(
		gets(t, s, shanghai, "mapped", disk.host()), gets(t, s, stranger, "disk", disk.host()),
		gets(t, s, shenzhen, "mapped", mapping.host()), gets(t, s, stranger, "center", routing.host()))
}

// A server that is killed at any moment of a reload, or while it writes a copy of
// the config center, comes back with whole files: those on disk, and of the
// config center what was in force or what came after, from the store and, where
// that has nothing of use, from the copy. Nothing is left beside the copies for
// good.
func TestKilledDuringReload(t *testing.T) {
	t.Parallel()
	victim := polaristest.Options{Dir: t.TempDir(), Config: inConfigCenter(t)}
	heir := polaristest.Options{Dir: t.TempDir(), Config: inConfigCenter(t)}
	now := generation(0)
	server, console := prepared(t, victim)
	must(t, now.publish(t, console))
	other, itsConsole := prepared(t, heir)
	for _, f := range []polaristest.ConfigFile{mappingFile, routingFile} {
		must(t, itsConsole.Publish(t.Context(), f, "bad", "version: 2\n"))
	}
	wait(t, func() error { return inForce(t, server, now, now, now) })
	says(t, other, 1, "REFUSED", "routing.yaml:1:10: ")
	must(t, other.Kill())

	during := 0
	for n := 0; n < *kills || during == 0 && n < *kills+moreKills; n++ {
		settled(t, victim.Dir, now)
		next := now + 1
		killed := make(chan error, 1)
		go func() {
			if n%2 == 0 && n < *kills {
				time.Sleep(rand.N(2 * time.Second)) // any moment
			} else {
				writing(t, server, filepath.Join(victim.Dir, copies))
			}
			killed <- server.Kill()
		}()
		must(t, next.write(server.Dir))
		cut := next.publish(t, console) // an error where the kill came first
		must(t, <-killed)
		if leftovers(t, victim.Dir) > 0 {
			during++
		}

		mapping, routing := copied(t, victim.Dir, "mapping", generation.mapping, now, next), copied(t, victim.Dir, "routing", generation.center, now, next)
		inherited := filepath.Join(heir.Dir, copies)
		must(t, errors.Join(next.write(heir.Dir), os.RemoveAll(inherited), os.CopyFS(inherited, os.DirFS(filepath.Join(victim.Dir, copies)))))
		other, _ := start(t, heir)
		if err := inForce(t, other, next, mapping, routing); err != nil {
			t.Fatalf("kill %d, started with the copies: %v", n, err)
		}
		says(t, other, 1, "COPY", "REFUSED") // the copy is newer than what this store has
		must(t, other.Kill())

		server, console = start(t, victim)
		if cut == nil {
			if err := inForce(t, server, next, next, next); err != nil {
				t.Fatalf("kill %d, started with the store: %v", n, err)
			}
		} else {
			must(t, next.publish(t, console))
		}
		now = next
		wait(t, func() error { return inForce(t, server, now, now, now) })
	}
	settled(t, victim.Dir, now)
	t.Logf("of the kills %d came while a copy was written", during)
	if during == 0 {
		t.Error("none: the test sees nothing")
	}
}

// prepared starts a server with the instances of all generations, and the files
// on disk of the first.
func prepared(t *testing.T, o polaristest.Options) (*polaristest.Server, *polaristest.Console) {
	t.Helper()
	o.Files = map[string]string{"conf/mapping/none.yaml": "version: 1\n"}
	must(t, generation(0).write(o.Dir))
	server, console := start(t, o)
	var instances []polaristest.Instance
	for _, service := range []string{"mapped", "disk", "center"} {
		for g := range generation(10) {
			instances = append(instances, instance(service, g.host(), g.set()))
		}
	}
	must(t, console.Register(t.Context(), instances...))
	return server, console
}

// copied is the generation of a copy on disk, one of some.
func copied(t *testing.T, dir, kind string, text func(generation) string, of ...generation) generation {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, copies, kind+".json"))
	must(t, err)
	var c struct{ Contents []struct{ Content string } }
	if err := json.Unmarshal(data, &c); err != nil || len(c.Contents) != 1 {
		t.Fatalf("the copy of the %s, of %d bytes, is not whole: %v", kind, len(data), err)
	}
	n := slices.IndexFunc(of, func(g generation) bool { return text(g) == c.Contents[0].Content })
	if n < 0 {
		t.Fatalf("the copy of the %s is of none of the generations %v", kind, of)
	}
	return of[n]
}

// settled waits until the copies are of a generation, and nothing is beside them.
func settled(t *testing.T, dir string, g generation) {
	t.Helper()
	wait(t, func() error {
		if n := leftovers(t, dir); n > 0 {
			return fmt.Errorf("there are %d files beside the copies", n)
		}
		data, err := os.ReadFile(filepath.Join(dir, copies, "mapping.json"))
		more, err2 := os.ReadFile(filepath.Join(dir, copies, "routing.json"))
		if !strings.Contains(string(data), g.set()) || !strings.Contains(string(more), g.set()) {
			return errors.Join(err, err2, fmt.Errorf("the copies are not of %s", g.set()))
		}
		return nil
	})
}

// leftovers counts the files that are no copies.
func leftovers(t *testing.T, dir string) (n int) {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(dir, copies))
	must(t, err)
	for _, f := range files {
		if f.Name() != "mapping.json" && f.Name() != "routing.json" {
			n++
		}
	}
	return n
}

// writing waits until the server is about to write a copy, and has it stand
// still there.
func writing(t *testing.T, s *polaristest.Server, dir string) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		t.Error(err)
		return
	}
	defer watcher.Close()
	if err := watcher.Add(dir); err != nil {
		t.Error(err)
		return
	}
	deadline := time.After(10 * time.Second)
	for {
		select {
		case <-watcher.Events:
			_ = syscall.Kill(s.PID(), syscall.SIGSTOP)
			if halfWritten(dir) {
				return
			}
			_ = syscall.Kill(s.PID(), syscall.SIGCONT)
		case <-deadline: // nothing changed: the kill is at any moment, then
			return
		}
	}
}

// halfWritten tells whether something is beside the copies, or one is not whole.
func halfWritten(dir string) bool {
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if !strings.HasSuffix(f.Name(), ".json") || strings.HasPrefix(f.Name(), ".") || err == nil && !json.Valid(text) {
			return true
		}
	}
	return false
}
