package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// kept waits until a file of the SDK has texts.
func kept(t *testing.T, name string, texts ...string) {
	t.Helper()
	wait(t, func() error {
		content, err := os.ReadFile(name)
		for _, text := range texts {
			if !bytes.Contains(content, []byte(text)) {
				return errors.Join(err, errorf("%s is %q, want %q in it", name, content, text))
			}
		}
		return err
	})
}

// The files are used while they are younger than a minute.
func rowDisk(t *testing.T, r *run) {
	service, dir := r.service("novel"), t.TempDir()
	registerGroups(t, r.console, service)
	o := callerOptions{dir: dir, bindIP: true}
	if r.version == "v1.5.5" {
		keepsNothing(t, r)
		o.persist, r.note = true, "if asked to (1)"
	}
	first := r.caller(t, o)
	first.has(t, service, ownGroup...)
	kept(t, filepath.Join(dir, "backup/svc#default#"+service+"#instance.json"), ownGroup...)
	kept(t, filepath.Join(dir, "backup/client_info.json"), atShanghai...)
	_ = first.program.Close()
	r.isolate(t, service, true, ownGroup...)
	eventually(t, r.server, polaristest.Request{Source: shanghai, Service: service}, thePool...)

	o.cut = true
	second := r.caller(t, o)
	if err := second.hasNow(t, service, ownGroup...); err != nil {
		t.Errorf("without a server: %v", err)
	}
	second.isAt(t, atShanghai...)
	second.roads[0].move(r.server.GRPCAddr)
	second.has(t, service, thePool...)
	r.isolate(t, service, false, ownGroup...)
	second.has(t, service, ownGroup...)
}

// keepsNothing says that the SDK writes no file by its defaults: not for its
// first list, when it has the second.
func keepsNothing(t *testing.T, r *run) {
	t.Helper()
	service, dir := r.service("novel-default"), t.TempDir()
	registerGroups(t, r.console, service)
	c := r.caller(t, callerOptions{dir: dir})
	c.has(t, service, ownGroup...)
	r.isolate(t, service, true, ownGroup...)
	c.has(t, service, thePool...)
	if files, err := filepath.Glob(filepath.Join(dir, "backup/*.json")); err != nil || len(files) > 0 {
		t.Errorf("the SDK keeps %v (%v), want nothing", files, err)
	}
}

func rowRestart(t *testing.T, runs []*run) {
	o := polaristest.Options{Dir: t.TempDir(), Files: matrixFiles}
	server, console := start(t, o)
	callers := map[*run]*caller{}
	for _, r := range runs {
		registerGroups(t, console, r.service("novel"))
		callers[r] = r.caller(t, callerOptions{servers: []*polaristest.Server{server}})
	}
	each(t, runs, "before", func(t *testing.T, r *run) { callers[r].has(t, r.service("novel"), ownGroup...) })

	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	each(t, runs, "away", func(t *testing.T, r *run) {
		c := callers[r]
		wait(t, func() error {
			if err := c.hasNow(t, r.service("novel"), ownGroup...); err != nil {
				t.Fatal(err)
			}
			if n := c.roads[0].vain.Load(); n < 2 {
				return errorf("the SDK asked for the server %d times", n)
			}
			return nil
		})
	})

	server, console = start(t, o)
	for _, r := range runs {
		callers[r].roads[0].move(server.GRPCAddr)
		isolateAt(t, console, r.service("novel"), true, ownGroup...)
	}
	each(t, runs, "back", func(t *testing.T, r *run) { callers[r].has(t, r.service("novel"), thePool...) })
}

// registerAt registers the same on one of several servers, with its name.
func registerAt(t *testing.T, c *polaristest.Console, service, name string) {
	t.Helper()
	for host, set := range map[string]string{"10.11.0.1": "qb.novel.h", "10.12.0.1": "qb.novel.z", "10.13.0.1": "qb.novel.*"} {
		i := instance(service, host, set)
		i.Metadata["from"] = name
		register(t, c, i)
	}
}

// from is the server that a caller's list is from.
func (c *caller) from(t *testing.T, service string) string {
	t.Helper()
	wait(t, func() error { return c.hasNow(t, service, "10.11.0.1") })
	return c.pick(t, service, 1).Instances[0].Metadata["from"]
}

func rowFailover(t *testing.T, runs []*run) {
	a, consoleA := start(t, polaristest.Options{Files: matrixFiles})
	b, consoleB := start(t, polaristest.Options{Files: matrixFiles})
	for _, r := range runs {
		registerAt(t, consoleA, r.service("novel"), "a")
		registerAt(t, consoleB, r.service("novel"), "b")
	}
	callers := map[*run]*caller{}
	for _, r := range runs {
		// An SDK begins with any of its servers: start until it is this one.
		for callers[r] == nil {
			if c := r.caller(t, callerOptions{servers: []*polaristest.Server{a, b}}); c.from(t, r.service("novel")) == "a" {
				callers[r] = c
			} else {
				_ = c.program.Close()
			}
		}
	}
	if err := a.Kill(); err != nil {
		t.Fatal(err)
	}
	each(t, runs, "killed", func(t *testing.T, r *run) {
		c := callers[r]
		goesOn := func() {
			if err := c.hasNow(t, r.service("novel"), "10.11.0.1"); err != nil {
				t.Fatal(err)
			}
		}
		if r.version == "v1.5.5" {
			comesBack(t, c, goesOn)
			return
		}
		for deadline := time.Now().Add(polaristest.Patience); ; time.Sleep(100 * time.Millisecond) {
			goesOn()
			if c.from(t, r.service("novel")) == "b" {
				return
			}
			if time.Now().After(deadline) {
				t.Fatal("the list is from the dead server yet")
			}
		}
	})
	for _, r := range runs {
		isolateAt(t, consoleB, r.service("novel"), true, "10.11.0.1")
		switch r.version {
		case "v1.6.1":
			r.note = "goes on, may not follow (4)"
		case "v1.5.5":
			r.note = "goes on, may not follow (3)"
			callers[r].roads[0].move(b.GRPCAddr) // somebody serves at the dead address again
		}
	}
	each(t, runs, "change", func(t *testing.T, r *run) {
		if r.version == "v1.5.5" {
			callers[r].has(t, r.service("novel"), thePool...)
			return
		}
		callers[r].followsOrKeeps(t, r.service("novel"))
	})
}

// followsOrKeeps is for an SDK one of whose servers is dead: it has its own list
// still or the pool already, never another or none. Some wait for the dead one
// for longer than a test can.
func (c *caller) followsOrKeeps(t *testing.T, service string) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		pool := c.hasNow(t, service, thePool...)
		if pool == nil {
			return
		}
		if own := c.hasNow(t, service, "10.11.0.1"); own != nil && c.hasNow(t, service, thePool...) != nil {
			t.Fatal(own)
		}
	}
	t.Log("the SDK kept its list and did not follow the change")
}

// comesBack waits until the SDK has found the living server, and after that
// tries the dead one again.
func comesBack(t *testing.T, c *caller, goesOn func()) {
	t.Helper()
	dead, living := c.roads[0], c.roads[1]
	for _, count := range []*atomic.Int32{&living.through, &dead.vain} {
		before, deadline := count.Load(), time.Now().Add(polaristest.Patience)
		for count.Load() == before {
			goesOn()
			if time.Now().After(deadline) {
				t.Fatalf("connections: %d to the living server, %d to the dead one", living.through.Load(), dead.vain.Load())
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}
