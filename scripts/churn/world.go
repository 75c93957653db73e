package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// The files of the server with this pack. Callers of 127.1.0.0/16 have the SET of the
// first line.
const mapping = `
version: 1
mappings:
  - {match: 127.1.0.0/16, set: %s}
  - {match: 127.2.0.0/16, set: qb.novel.z}
`

const routing = "version: 1\nrules:\n  - {name: novel, service: default/novel, set: %s, degrade: {holdDown: 0s}}\n"

// sets are the groups of novel, and the SETs that the first line of the mapping takes in turn.
var sets = []string{"qb.novel.h", "qb.novel.z", "qb.novel.*", "ams.sh.1"}

// stages are what the rule takes in turn.
var stages = []string{"{}", "{tiers: [own, pool]}", "{tiers: [pool]}"}

// node is a server with its Eureka listener.
type node struct {
	*polaristest.Server
	console *polaristest.Console
	eureka  string // address
}

// world is what both servers have.
type world struct {
	ours, stock *node // stock is nil without one
	random      *rand.Rand
	instances   []polaristest.Instance // that are registered
	next        int                    // host
	changes     map[string]int
	compared    int
	wrong       []string
}

func newWorld(ctx context.Context, server, stock string, apps, each int, random *rand.Rand) (w *world, err error) {
	w = &world{random: random, changes: map[string]int{}}
	if w.ours, err = startNode(ctx, server); err != nil {
		return nil, err
	}
	if stock != "" {
		if w.stock, err = startNode(ctx, stock); err != nil {
			w.close()
			return nil, err
		}
	}
	for app := range apps {
		for range each {
			w.instances = append(w.instances, w.newInstance(app))
		}
	}
	for _, n := range w.nodes() {
		if err := n.console.Register(ctx, w.instances...); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func startNode(ctx context.Context, binary string) (*node, error) {
	port := polaristest.FreePort()
	config := strings.Replace(polaristest.Config(), "  - name: set-admin", fmt.Sprintf(`  - name: service-eureka
    option: {listenIP: 127.0.0.1, listenPort: %d, namespace: default, refreshInterval: 1, deltaExpireInterval: %d}
    api: {eureka: {enable: true}}
  - name: set-admin`, port, int(deltaInterval.Seconds())), 1)
	files := map[string]string{"conf/mapping/mapping.yaml": fmt.Sprintf(mapping, sets[0]), "conf/routing/routing.yaml": fmt.Sprintf(routing, stages[0])}
	// The stock store keeps what leaves, in any other time zone.
	server, err := polaristest.Start(ctx, polaristest.Options{Binary: binary, Config: config, Files: files, TimeZone: "Asia/Shanghai"})
	if err != nil {
		return nil, err
	}
	console, err := polaristest.Login(ctx, server)
	return &node{server, console, fmt.Sprint("127.0.0.1:", port)}, err
}

func (w *world) close() {
	for _, n := range w.nodes() {
		_ = n.Kill()
	}
}

func (w *world) nodes() (out []*node) {
	for _, n := range []*node{w.ours, w.stock} {
		if n != nil {
			out = append(out, n)
		}
	}
	return out
}

// newInstance returns an instance of an application. The application 0 is novel, which has
// a group for each SET.
func (w *world) newInstance(app int) polaristest.Instance {
	w.next++
	i := polaristest.Instance{
		Namespace: "default", Service: fmt.Sprintf("application-%d", app), Host: fmt.Sprintf("10.9.%d.%d", w.next/250, 1+w.next%250), Port: 80, Weight: 100, Healthy: true,
		Metadata: map[string]string{"version": "1.0.0", "env": "production"},
	}
	if app == 0 {
		i.Service, i.Metadata["internal-set-name"] = "novel", sets[w.next%len(sets)]
	}
	return i
}

// change changes something, half of the time in novel: in both servers, or a file of ours.
func (w *world) change(ctx context.Context) error {
	switch n := w.random.IntN(20); {
	case n == 0:
		w.changes["mapping"]++
		return w.ours.WriteFile("conf/mapping/mapping.yaml", fmt.Sprintf(mapping, sets[w.random.IntN(len(sets))]))
	case n == 1:
		w.changes["rule"]++
		return w.ours.WriteFile("conf/routing/routing.yaml", fmt.Sprintf(routing, stages[w.random.IntN(len(stages))]))
	}
	n := w.random.IntN(len(w.instances))
	if w.random.IntN(2) == 0 {
		n = w.random.IntN(20) % len(w.instances) // mostly of novel
	}
	i := w.instances[n]
	kind := []string{"isolate", "back", "replace", "metadata"}[w.random.IntN(4)]
	w.changes[kind]++
	var errs []error
	for _, node := range w.nodes() {
		errs = append(errs, w.do(ctx, node.console, kind, n, i))
	}
	return errors.Join(errs...)
}

// do changes one instance. One that is replaced keeps its place in the list, its service
// and SET.
func (w *world) do(ctx context.Context, console *polaristest.Console, kind string, n int, i polaristest.Instance) error {
	switch kind {
	case "isolate", "back":
		return console.Isolate(ctx, i.Namespace, i.Service, i.Host, kind == "isolate")
	case "metadata":
		i.Metadata["version"] = fmt.Sprint("1.0.", w.changes[kind])
		return console.Update(ctx, i)
	}
	if w.instances[n].Host == i.Host {
		w.next++
		w.instances[n].Host = fmt.Sprintf("10.9.%d.%d", w.next/250, 1+w.next%250)
	}
	return errors.Join(console.Deregister(ctx, i), console.Register(ctx, w.instances[n]))
}
