package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// side is one of the two servers.
type side struct {
	name   string
	plan   plan
	server *polaristest.Server
	store  *store // shared by both sides
}

// startSide starts a server, and waits until a caller has a list. It returns what the start
// took.
func startSide(ctx context.Context, p plan, db *store, name, binary string) (*side, rig.Figures, error) {
	begin := time.Now()
	server, err := polaristest.Start(ctx, polaristest.Options{Binary: binary, Store: db.Options(), Config: config(), Files: map[string]string{
		"conf/mapping/mapping.csv": p.mapping(), "conf/routing/routing.yaml": p.routing(""),
	}})
	if err != nil {
		return nil, nil, err
	}
	s := &side{name: name, plan: p, server: server, store: db}
	c, err := rig.Dial(ctx, server.GRPCAddr, kind(0).addr(0))
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	for end := time.Now().Add(polaristest.Patience); ; time.Sleep(10 * time.Millisecond) {
		a, _, err := c.Ask(p.serviceName(p.services-1), true)
		if a.Code == rig.CodeChanged {
			break
		}
		if time.Now().After(end) {
			return nil, nil, fmt.Errorf("no list: %w", err)
		}
	}
	return s, rig.Figures{"s": time.Since(begin).Seconds(), "CPU s": rig.CPU(server.PID()).Seconds()}, s.settle(c)
}

// config returns the servers' configuration, with profiles over HTTP.
func config() string {
	return strings.Replace(polaristest.Config(), "enableCacheProto: true,", "enablePprof: true, enableCacheProto: true,", 1)
}

// settle waits until a list does not change any more: after its start a server reads the
// store several times.
func (s *side) settle(c *rig.Caller) error {
	for unchanged := 0; unchanged < 40; time.Sleep(200 * time.Millisecond) {
		a, _, err := c.Ask(s.plan.serviceName(s.plan.services-1), false)
		if err != nil {
			return err
		}
		if unchanged++; a.Code != rig.CodeUnchanged {
			unchanged = 0
		}
	}
	return nil
}

// heap returns how much of the server's heap is in use after two collections, in MB: the
// second one frees what had a finalizer.
func (s *side) heap() (float64, error) {
	var text string
	for range 2 {
		var err error
		if text, err = get("http://" + s.server.HTTPAddr + "/debug/pprof/heap?gc=1&debug=1"); err != nil {
			return 0, err
		}
	}
	_, after, _ := strings.Cut(text, "# HeapAlloc = ")
	line, _, _ := strings.Cut(after, "\n")
	bytes, err := strconv.ParseFloat(line, 64)
	return bytes / (1 << 20), err
}

// get returns the body of an answer with status 200.
func get(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers with %s: %.200s", url, resp.Status, body)
	}
	return string(body), err
}

// profile records a CPU profile of so many seconds, until the function that it returns is
// called.
func (s *side) profile(seconds time.Duration, name string) (stop func()) {
	if seconds == 0 || s.plan.profiles == "" {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		text, err := get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.server.HTTPAddr, int(seconds.Seconds())))
		if err == nil {
			err = os.WriteFile(filepath.Join(s.plan.profiles, strings.ReplaceAll(name, " ", "-")+"-"+s.name+".pprof"), []byte(text), 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "company: profile:", err)
		}
	}()
	return func() { <-done }
}
