package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// town is a server with the clients of all kinds.
type town struct {
	plan      plan
	draw      draw
	config    string
	nacos     string // address of the Nacos listener
	nacosGRPC string // the same over gRPC
	eureka    string // address of the Eureka listener
	server    *polaristest.Server
	console   *polaristest.Console
	world     *world
	usable    instances
	followers []*follower
	dir       string // of the clients

	faults   []string
	counts   map[string]int
	deadline time.Time
}

// source is where the server sees clients of a city.
func source(city int) netip.Addr { return netip.AddrFrom4([4]byte{127, byte(city + 1), 0, 1}) }

// start starts the server and all clients.
func start(ctx context.Context, p plan) (_ *town, err error) {
	t := &town{plan: p, draw: draw{rand.New(rand.NewPCG(p.seed, 0))}, world: &world{}, usable: instances{}, counts: map[string]int{}}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if t.dir, err = os.MkdirTemp("", "setrouter-soak-clients-"); err != nil {
		return nil, err
	}
	t.config, t.nacos = polaristest.WithNacos(polaristest.Config())
	if t.nacosGRPC, err = polaristest.NacosGRPC(t.nacos); err != nil {
		return nil, err
	}
	t.config, t.eureka = withEureka(t.config)
	t.world.remap(time.Now(), mappings[0])
	if err := t.startServer(ctx); err != nil {
		return nil, err
	}
	if err := t.populate(ctx); err != nil {
		return nil, err
	}
	return t, t.startFollowers()
}

// withEureka adds a Eureka listener to a configuration, and returns its address.
func withEureka(config string) (changed, addr string) {
	port := polaristest.FreePort()
	changed = strings.Replace(config, "  - name: set-admin", fmt.Sprintf(`  - name: service-eureka
    option: {listenIP: 127.0.0.1, listenPort: %d, namespace: default, refreshInterval: 1, deltaExpireInterval: 60}
    api: {eureka: {enable: true}}
  - name: set-admin`, port), 1)
	return changed, fmt.Sprintf("127.0.0.1:%d", port)
}

// startServer starts the first server, or the next one in its place.
func (t *town) startServer(ctx context.Context) (err error) {
	cities := t.world.mappings[len(t.world.mappings)-1].what
	t.server, err = polaristest.Start(ctx, polaristest.Options{
		Binary: t.plan.server, Config: t.config, Replaces: t.server,
		Files: map[string]string{"conf/mapping/mapping.yaml": mappingFile(cities), "conf/routing/routing.yaml": routing},
	})
	if err != nil {
		return err
	}
	t.console, err = polaristest.Login(ctx, t.server)
	return err
}

// perSet is how many instances each SET can have.
const perSet = 3

func (t *town) populate(ctx context.Context) error {
	now := time.Now()
	for set := range sets {
		for number := range perSet {
			i := registered(set, number)
			if err := t.console.Register(ctx, i); err != nil {
				return err
			}
			t.usable[i.Host] = set
		}
	}
	t.world.change(now, t.usable)
	return nil
}

func (t *town) startFollowers() error {
	for _, of := range polaristest.NacosKinds() {
		if err := t.follow(of.String(), func() (kind, error) { return nacosKind(t, of) }); err != nil {
			return err
		}
	}
	for _, of := range polaristest.EurekaKinds() {
		if err := t.follow(of.String(), func() (kind, error) { return eurekaKind(t, of) }); err != nil {
			return err
		}
	}
	if len(t.followers) == 0 {
		return fmt.Errorf("no kind of clients has one of %q in its name", t.plan.only)
	}
	return nil
}

// follow builds and starts a kind, if the plan has it.
func (t *town) follow(name string, build func() (kind, error)) error {
	if !t.plan.wants(name) {
		return nil
	}
	k, err := build()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(t.dir, "")
	if err != nil {
		return err
	}
	f := &follower{kind: k, dir: dir}
	t.followers = append(t.followers, f)
	return f.restart(t)
}

// fault notes what is wrong.
func (t *town) fault(format string, args ...any) {
	text := time.Now().UTC().Format("15:04:05.000 ") + fmt.Sprintf(format, args...)
	fmt.Fprintln(t.plan.out, "FAULT", text)
	t.faults = append(t.faults, text)
}

func (t *town) close() {
	for _, f := range t.followers {
		if f.program != nil {
			f.program.kill()
		}
		_ = f.kind.close()
	}
	if t.server != nil {
		_ = t.server.Kill()
	}
	_ = os.RemoveAll(t.dir)
}

// report prints what was seen. Its error says that something was wrong.
func (t *town) report() error {
	for _, name := range []string{"rounds", "changes", "mappings", "silent connections", "server killed", "server stopped"} {
		fmt.Fprintf(t.plan.out, "%s: %d\n", name, t.counts[name])
	}
	fmt.Fprintln(t.plan.out, "\n| client | lists shown | killed | connections cut | network lost | started again by its supervisor | slowest to the right list |\n|---|---|---|---|---|---|---|")
	for _, f := range t.followers {
		fmt.Fprintf(t.plan.out, "| %s | %d | %d | %d | %d | %d | %.1f s |\n", f.name, f.lists, f.kills-f.revived, f.cuts, f.holds, f.revived, f.slowest.Seconds())
	}
	fmt.Fprintf(t.plan.out, "\nfaults: %d\n", len(t.faults))
	if len(t.faults) > 0 {
		return errors.New("there were faults")
	}
	return nil
}
