package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// node is a node of the cluster, and the server that runs there.
type node struct {
	number  int
	links   *polaristest.Node
	options polaristest.Options
	console *polaristest.Console // stays: addresses and tokens outlive a restart
	eureka  string               // the address of the Eureka listener
	l5      string               // of the L5 listener

	mu          sync.Mutex
	server      *polaristest.Server
	life        life
	behindUntil time.Time
}

// catchUp is how long a node needs to read the changes that it missed, after its
// database is back. In that time its state can go to and fro between two dumps.
const catchUp = 5 * time.Second

// setBehind says that the node is behind its database for a time from now.
func (n *node) setBehind(duration time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.behindUntil = time.Now().Add(duration)
}

func (n *node) isBehind(t time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return t.Before(n.behindUntil)
}

// life is one process of a node. It is up from the moment when it serves until
// shortly before it is told to end.
type life struct {
	number int
	since  time.Time
	up     bool
}

func (n *node) current() (*polaristest.Server, life) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.server, n.life
}

func (n *node) String() string { return fmt.Sprintf("node %d", n.number) }

func (n *node) start(ctx context.Context) error {
	n.options.Replaces = n.server
	server, err := polaristest.Start(ctx, n.options)
	if err != nil {
		return fmt.Errorf("%s: %w", n, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server, n.life = server, life{n.life.number + 1, time.Now(), true}
	return nil
}

// restart ends the server, at once or as an operator would, and starts it again.
func (n *node) restart(ctx context.Context, kill bool) error {
	n.mu.Lock()
	n.life.up = false
	n.mu.Unlock()
	end := n.server.Stop
	if kill {
		end = n.server.Kill // the directory is ours, and stays
	}
	return errors.Join(end(), n.start(ctx))
}

// fetch reads what the admin listener of the node answers.
func (n *node) fetch(ctx context.Context, path string) ([]byte, error) {
	server, _ := n.current()
	return get(ctx, server.AdminURL+"/setrouter/v1/"+path)
}

func get(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, resp.Status, body)
	}
	return body, err
}

// refused returns why files are refused, by the node's status; it is empty if no
// file is.
func (n *node) refused(ctx context.Context) (string, error) {
	body, err := n.fetch(ctx, "status")
	if err != nil {
		return "", err
	}
	var status struct {
		Files []struct {
			Problems []string `json:"problems"`
		} `json:"files"`
	}
	err = json.Unmarshal(body, &status)
	var problems []string
	for _, f := range status.Files {
		problems = append(problems, f.Problems...)
	}
	return strings.Join(problems, "; "), err
}

// moreListeners are the Eureka and the L5 listener at two ports, before the others.
const moreListeners = `apiservers:
  - name: service-l5
    option: {listenIP: 127.0.0.1, listenPort: %d, clusterName: cl5.discover}
  - name: service-eureka
    option: {listenIP: 127.0.0.1, listenPort: %d, namespace: default, refreshInterval: 2, deltaExpireInterval: 60}
    api: {eureka: {enable: true}}
`

// startNodes starts a cluster of two nodes, whose lanes are in the config center.
func (s *soak) startNodes(ctx context.Context, files map[string]string) (err error) {
	if s.dir, err = os.MkdirTemp("", "setrouter-soak-"); err != nil {
		return err
	}
	if s.cluster, err = polaristest.StartCluster(); err != nil {
		return err
	}
	config := strings.Replace(polaristest.Unguarded(polaristest.Config()), "conf/routing/*.yaml", `conf/routing/*.yaml, "`+lanesSource+`"`, 1)
	config = strings.Replace(config, "\nnaming:\n", "\nnaming:\n  l5Open: true\n", 1)
	config = strings.ReplaceAll(config, "sizeCacheProto: 4096", "sizeCacheProto: 512") // that fills up in minutes
	for i := range 2 {
		links, err := s.cluster.Join()
		if err != nil {
			return err
		}
		eureka, l5 := polaristest.FreePort(), polaristest.FreePort()
		n := &node{number: i + 1, links: links, eureka: fmt.Sprintf("127.0.0.1:%d", eureka), l5: fmt.Sprintf("127.0.0.1:%d", l5)}
		n.options = links.On(polaristest.Options{Binary: s.plan.server, Files: files, Config: strings.Replace(config, "apiservers:\n", fmt.Sprintf(moreListeners, l5, eureka), 1), Dir: filepath.Join(s.dir, n.String())})
		s.nodes = append(s.nodes, n)
	}
	return s.both(func(n *node) (err error) {
		if err := n.start(ctx); err != nil {
			return err
		}
		n.options.Files = nil // a restart finds what is there
		n.console, err = polaristest.Login(ctx, n.server)
		return err
	})
}

// both does something to both nodes at once.
func (s *soak) both(do func(n *node) error) error {
	errs := make([]error, len(s.nodes))
	var wg sync.WaitGroup
	for i, n := range s.nodes {
		wg.Go(func() { errs[i] = do(n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s *soak) close() error {
	var errs []error
	if s.sdk != nil {
		errs = append(errs, s.sdk.Close())
	}
	for _, n := range s.nodes {
		if n.server != nil {
			errs = append(errs, n.server.Kill())
		}
	}
	if s.cluster != nil {
		errs = append(errs, s.cluster.Kill())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}
