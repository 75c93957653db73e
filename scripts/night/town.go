package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// token is that of the set-admin listeners: with it the nodes tell each other of callers.
const token = "a night's secret"

// The files in force, in the config center.
var (
	mappingFile = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "mapping.yaml"}
	routingFile = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "routing.yaml"}
	// evacuateFile has evacuations and nothing else.
	evacuateFile = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "evacuate.yaml"}
)

// mappingName is the name of the mapping for setctl.
const mappingName = "polaris://Polaris/setrouter/mapping.yaml"

// mapping has networks of instances (10.), and of callers (127.).
const mapping = `version: 1
mappings:
  - {match: [10.1.10.0/24, 127.1.10.0/24], region: east, zone: shanghai, set: shop.order.sh}
  - {match: [10.1.20.0/24, 127.1.20.0/24], region: east, zone: shanghai, set: shop.pay.sh}
  - {match: 10.2.10.0/24, region: south, zone: shenzhen, set: shop.order.sz}
  - {match: 127.2.10.0/24, region: south, zone: shenzhen, set: shop.order.sz}
  - {match: [10.2.20.0/24, 127.2.20.0/24], region: south, zone: shenzhen, set: shop.pay.sz}
  - {match: [10.3.10.0/24, 127.3.10.0/24], region: north, zone: beijing, set: shop.order.bj}
  - {match: 10.4.10.0/24, region: south, zone: guangzhou, set: shop.order.*}
`

// routing keeps each business to itself. Orders may go to the pool, payments only to the
// own SET.
const routing = `version: 1
rules:
  - {name: order, service: default/order, set: {unknown: none}, degrade: {holdDown: 0s}}
  - {name: pay, service: default/pay, set: {tiers: [own], unknown: none}, degrade: {holdDown: 0s}}
`

// seat is a caller: its address, and the service that it asks for.
type seat struct{ name, addr, service string }

// seats are six callers of orders in each city, and one of payments. Neighbours in the list
// are at different servers.
var seats = func() (list []seat) {
	for n := range 6 {
		for _, city := range []struct{ name, network string }{{"Shanghai", "127.1.10."}, {"Shenzhen", "127.2.10."}, {"Beijing", "127.3.10."}} {
			list = append(list, seat{fmt.Sprintf("order in %s %d", city.name, n+1), fmt.Sprint(city.network, n+1), "order"})
		}
	}
	return append(list, seat{"payment in Shanghai", "127.1.20.1", "pay"}, seat{"payment in Shenzhen", "127.2.20.1", "pay"})
}()

// nodeOf returns the node of a seat: each node has two callers of each city.
func nodeOf(seat int) int { return seat / 3 % 3 }

// homes are the instances of each network, by service, and how many there are.
var homes = []struct {
	service, network string
	count            int
}{
	{"order", "10.1.10.", 3}, {"order", "10.2.10.", 3}, {"order", "10.3.10.", 3}, {"pay", "10.1.20.", 2}, {"pay", "10.2.20.", 2}, {"order", "10.4.10.", 2},
}

// ttl is how often, in seconds, an instance has promised a heartbeat. Polaris takes an
// instance for dead after three of them.
const ttl = 2

// town is the cluster with everybody in it.
type town struct {
	plan    plan
	shared  *polaristest.Cluster
	nodes   []*node
	sdk     *polaristest.Consumers
	prom    *prometheus
	console *polaristest.Console // of a node that is never killed

	mu        sync.Mutex
	dark      map[string]bool // networks whose instances send no heartbeats
	ownDirs   []string
	beating   sync.WaitGroup
	stopBeats context.CancelFunc
}

// node is a server of the cluster.
type node struct {
	*polaristest.Node
	options polaristest.Options
	server  *polaristest.Server
	dead    bool
}

// found starts everything. The town is to be closed, also with an error.
func found(ctx context.Context, p plan) (t *town, err error) {
	t = &town{plan: p, dark: map[string]bool{}, stopBeats: func() {}}
	if t.shared, err = polaristest.StartCluster(); err != nil {
		return t, err
	}
	for range 3 {
		if err := t.addNode(ctx); err != nil {
			return t, err
		}
	}
	if t.console, err = polaristest.Login(ctx, t.nodes[0].server); err != nil {
		return t, err
	}
	for _, f := range []struct {
		file polaristest.ConfigFile
		text string
	}{{mappingFile, mapping}, {routingFile, routing}, {evacuateFile, "version: 1\nevacuate: []\n"}} {
		if err := t.console.Publish(ctx, f.file, "first", f.text); err != nil {
			return t, err
		}
	}
	if err := t.settle(ctx); err != nil {
		return t, err
	}
	if t.sdk, err = polaristest.StartConsumers(p.sdk); err != nil {
		return t, err
	}
	for n, s := range seats {
		if err := t.sdk.Add(s.name, netip.MustParseAddr(s.addr), t.nodes[nodeOf(n)].server); err != nil {
			return t, err
		}
	}
	if p.alerts != "" {
		t.prom, err = t.startPrometheus()
	}
	return t, err
}

// addNode starts one more server, with its files in the config center.
func (t *town) addNode(ctx context.Context) error {
	place, err := t.shared.Join()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "setrouter-night-")
	if err != nil {
		return err
	}
	t.ownDirs = append(t.ownDirs, dir)
	config := strings.NewReplacer(
		"conf/routing/*.yaml", "polaris://Polaris/setrouter/routing.yaml, polaris://Polaris/setrouter/evacuate.yaml",
		"conf/mapping/*.yaml, conf/mapping/*.csv", mappingName,
	).Replace(polaristest.Config())
	n := &node{Node: place, options: polaristest.Options{Binary: t.plan.server, Dir: dir, Config: config, AdminToken: token}}
	if n.server, err = polaristest.Start(ctx, place.On(n.options)); err != nil {
		return err
	}
	t.nodes = append(t.nodes, n)
	return nil
}

// instances are those of a network.
func instances(service, network string, count int) (out []polaristest.Instance) {
	for n := range count {
		out = append(out, polaristest.Instance{Namespace: "default", Service: service, Host: fmt.Sprint(network, n+1), Port: 8000, Weight: 100, Healthy: true}.ByHeartbeat(ttl))
	}
	return out
}

// settle registers all instances, which send their heartbeats from then on.
func (t *town) settle(ctx context.Context) error {
	for _, h := range homes {
		if err := t.console.Register(ctx, instances(h.service, h.network, h.count)...); err != nil {
			return err
		}
	}
	ctx, t.stopBeats = context.WithCancel(ctx)
	for _, h := range homes {
		for _, i := range instances(h.service, h.network, h.count) {
			t.beating.Go(func() { t.beat(ctx, h.network, i) })
		}
	}
	return nil
}

// beat sends an instance's heartbeats. What becomes of them is Polaris's to say: while
// Redis is away they fail.
func (t *town) beat(ctx context.Context, network string, i polaristest.Instance) {
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		t.mu.Lock()
		dark := t.dark[network]
		t.mu.Unlock()
		if !dark {
			_ = t.console.Beat(ctx, i)
		}
	}
}

// setDark says whether the instances of networks are dead.
func (t *town) setDark(dark bool, networks ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range networks {
		t.dark[n] = dark
	}
}

// setctl runs a command at the first node.
func (t *town) setctl(ctx context.Context, args ...string) (code int, out string, err error) {
	cmd := exec.CommandContext(ctx, t.plan.setctl, args...)
	cmd.Env = append(os.Environ(), "SETROUTER_SERVER="+t.nodes[0].server.AdminURL, "SETROUTER_TOKEN="+token, "SETROUTER_POLARIS_TOKEN="+t.console.Token())
	text, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(text), nil
	}
	return 0, string(text), err
}

// do is setctl for a command that must succeed.
func (t *town) do(ctx context.Context, args ...string) (out string, err error) {
	code, out, err := t.setctl(ctx, args...)
	if err == nil && code != 0 {
		err = fmt.Errorf("setctl %s ends with %d: %s", strings.Join(args, " "), code, out)
	}
	return out, err
}

// publish publishes a mapping, as an operator does.
func (t *town) publish(ctx context.Context, text string) error {
	file := filepath.Join(t.ownDirs[0], "mapping.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	_, err := t.do(ctx, "publish", file, "--to", mappingName)
	return err
}

// close ends everything.
func (t *town) close() error {
	t.stopBeats()
	t.beating.Wait()
	var errs []error
	if t.prom != nil {
		errs = append(errs, t.prom.close())
	}
	if t.sdk != nil {
		errs = append(errs, t.sdk.Close())
	}
	for _, n := range t.nodes {
		errs = append(errs, n.server.Kill())
	}
	if t.shared != nil {
		errs = append(errs, t.shared.Kill())
	}
	for _, dir := range t.ownDirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}
