// Command xds measures what clients of xDS cost a server: memory of open streams, the time
// at rest, and how long a change needs to reach all of them. docs/performance.md has the
// results. It prints the server's resident memory, so that the clients, which are in
// this process, do not count.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// plan says what to measure.
type plan struct {
	streams, names, instances, sets int
	delta                           bool
}

func main() {
	server := flag.String("server", "bin/polaris-server", "the server with the pack")
	p := plan{}
	flag.IntVar(&p.streams, "streams", 2000, "streams, each of a caller of its own")
	flag.IntVar(&p.names, "names", 25, "services, all of which each stream names")
	flag.IntVar(&p.instances, "instances", 100, "instances of each service")
	flag.IntVar(&p.sets, "sets", 50, "SETs of instances and of callers")
	flag.BoolVar(&p.delta, "delta", false, "the delta variant, in the place of the state of the world")
	flag.Parse()
	if err := run(context.Background(), p, *server); err != nil {
		fmt.Fprintln(os.Stderr, "xds:", err)
		os.Exit(1)
	}
}

// caller returns the address of a caller: each SET has a subnet.
func (p plan) caller(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(1 + n%p.sets), byte(n / p.sets / 250), byte(1 + n/p.sets%250)})
}

func (p plan) set(n int) string { return fmt.Sprintf("shop.area.s%d", n%p.sets) }

func (p plan) files() map[string]string {
	mapping := "match,region,zone,set\n"
	for n := range p.sets {
		mapping += fmt.Sprintf("127.%d.0.0/16,east,zone-%d,%s\n", n+1, n%3, p.set(n))
	}
	return map[string]string{
		"conf/mapping/mapping.csv":  mapping,
		"conf/routing/routing.yaml": "version: 1\nrules: [{name: all, service: default/service-*, set: {tiers: [own, siblings]}, nearby: {}}]\n",
	}
}

func run(ctx context.Context, p plan, binary string) (err error) {
	port := polaristest.FreePort()
	listener := fmt.Sprintf("  - {name: xds-v3, option: {listenIP: 127.0.0.1, listenPort: %d}}\n  - name: set-admin", port)
	server, err := polaristest.Start(ctx, polaristest.Options{
		Binary: binary, Files: p.files(),
		Config: strings.NewReplacer("  - name: set-admin", listener, "enableCacheProto: true,", "enablePprof: true, enableCacheProto: true,").Replace(polaristest.Config()),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Kill()) }()
	console, err := polaristest.Login(ctx, server)
	if err != nil {
		return err
	}
	if err := p.register(ctx, console); err != nil {
		return err
	}
	before := memoryOf(server)
	liveBefore, err := liveOf(ctx, server)
	if err != nil {
		return err
	}
	clients, err := p.connect(ctx, fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	first, err := p.waitFor(clients, 1)
	if err != nil {
		return err
	}
	time.Sleep(10 * time.Second) // for the collector of the server
	after := memoryOf(server)
	live, err := liveOf(ctx, server)
	if err != nil {
		return err
	}
	busy := cpuOf(server)
	time.Sleep(20 * time.Second)
	fmt.Printf("%d streams of %d names, delta: %v: all had all after %s; resident %d MB before, %d MB with them; heap after a collection %d MB before, %d MB with them, %.0f KB a stream; at rest %.1f%% of a core\n",
		p.streams, p.names, p.delta, first.Round(time.Millisecond), before>>20, after>>20, liveBefore>>20, live>>20, float64(live-liveBefore)/1024/float64(p.streams), 100*(cpuOf(server)-busy).Seconds()/20)
	start := time.Now()
	if err := console.Isolate(ctx, "default", "service-0", "10.0.0.0", true); err != nil {
		return err
	}
	reached, err := p.waitFor(clients[:1], 2) // of the SET of the instance
	fmt.Printf("a change of one instance reached its SET after %s (%s of waiting); %d answers in all\n", time.Since(start).Round(time.Millisecond), reached.Round(time.Millisecond), p.answers(clients))
	return err
}

func (p plan) register(ctx context.Context, console *polaristest.Console) error {
	for s := range p.names {
		var instances []polaristest.Instance
		for n := range p.instances {
			instances = append(instances, polaristest.Instance{
				Namespace: "default", Service: fmt.Sprintf("service-%d", s), Host: fmt.Sprintf("10.%d.%d.%d", s, n/250, n%250), Port: 80, Weight: 100, Healthy: true,
				Location: &polaristest.Location{Region: "east", Zone: fmt.Sprintf("zone-%d", n%3)}, Metadata: map[string]string{"internal-set-name": p.set(n), "internal-enable-set": "Y"},
			})
		}
		if err := console.Register(ctx, instances...); err != nil {
			return err
		}
	}
	time.Sleep(5 * time.Second) // until the caches have them
	return nil
}

func (p plan) connect(ctx context.Context, addr string) ([]*polaristest.XDSClient, error) {
	var names []string
	for s := range p.names {
		names = append(names, fmt.Sprintf("OUTBOUND|default|service-%d", s))
	}
	var clients []*polaristest.XDSClient
	for n := range p.streams {
		source := p.caller(n)
		c, err := polaristest.DialXDS(ctx, addr, polaristest.XDSOptions{Delta: p.delta, Source: source, Node: &core.Node{Id: "sidecar~default/x~" + source.String()}})
		if err != nil {
			return nil, err
		}
		if err := c.Ask(resourcev3.EndpointType, names...); err != nil {
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// waitFor waits until clients have all names, and so many answers.
func (p plan) waitFor(clients []*polaristest.XDSClient, answers int) (time.Duration, error) {
	start := time.Now()
	for _, c := range clients {
		for len(c.Has(resourcev3.EndpointType)) < p.names || c.Answers(resourcev3.EndpointType) < answers {
			if time.Since(start) > polaristest.Patience {
				return 0, fmt.Errorf("a client has %d names in %d answers; its stream: %w", len(c.Has(resourcev3.EndpointType)), c.Answers(resourcev3.EndpointType), c.Err())
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	return time.Since(start), nil
}

func (p plan) answers(clients []*polaristest.XDSClient) (n int) {
	for _, c := range clients {
		n += c.Answers(resourcev3.EndpointType)
	}
	return n
}
