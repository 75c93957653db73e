// Command demo shows pre-routed discovery on one machine: a server with the
// pack, unmodified SDKs at several addresses, and two cities that fail. It
// exits with 1 at the first line that is not as expected, and stops everything
// that it started.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/internal/test/sandbox"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/cases"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

//go:embed conf/mapping.yaml
var mappingFile string

//go:embed conf/routing.yaml
var routingFile string

//go:embed conf/evacuate.yaml
var evacuateFile string

// patience bounds the wait for a list. The server's cache takes a second, and the
// SDK polls every 2 to 4 seconds.
const patience = 30 * time.Second

func main() {
	server := flag.String("server", "bin/polaris-server", "the server's binary")
	consumer := flag.String("consumer", "bin/demo-consumer", "the SDK program's binary")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, *server, *consumer); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		cancel()
		os.Exit(1)
	}
	fmt.Println("\nEvery line is as expected. Everything is stopped again.")
}

// demo is a running demo. Its world has the state of the server. The offline
// decision on that state says the tier and level, which an SDK does not see.
type demo struct {
	*sandbox.Sandbox
	routing string
	world   world.World
}

func run(ctx context.Context, server, consumer string) (err error) {
	d := &demo{routing: routingFile}
	fmt.Println("Starting a Polaris server with the SET router, and", len(callers), "callers with the unmodified polaris-go v1.6.1 ...")
	d.Sandbox, err = sandbox.Start(ctx, sandbox.Options{Programs: polaristest.Programs{Server: server, Consumer: consumer}}, d.company())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	for _, p := range phases {
		if err := d.play(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// company is the demo's, which the world has, too.
func (d *demo) company() sandbox.Company {
	c := sandbox.Company{Callers: callers, Files: map[string]string{
		"conf/mapping/mapping.yaml": mappingFile,
		"conf/routing/routing.yaml": routingFile, "conf/routing/evacuate.yaml": evacuateFile,
	}}
	for _, i := range instances {
		instance := sandbox.Instance(i.service, i.host, 8000, i.set)
		c.Instances = append(c.Instances, instance)
		d.world.Instances = append(d.world.Instances, world.Instance{
			Service: route.Service{Namespace: "default", Name: i.service}, Host: i.host, Healthy: true, Weight: instance.Weight, Metadata: instance.Metadata,
		})
	}
	return c
}

// play brings a phase about, and waits until every caller sees it.
func (d *demo) play(ctx context.Context, p phase) error {
	fmt.Printf("\n== %s\n\n", p.title)
	for service, hosts := range p.down {
		for _, host := range hosts {
			if err := d.Console.Isolate(ctx, "default", service, host, true); err != nil {
				return err
			}
			d.isolate(service, host)
		}
	}
	if p.replace[0] != "" {
		d.routing = strings.Replace(d.routing, p.replace[0], p.replace[1], 1)
		if err := d.Server.WriteFile("conf/routing/routing.yaml", d.routing); err != nil {
			return err
		}
	}
	if err := d.loadWorld(); err != nil {
		return err
	}
	columns := table.New(os.Stdout)
	defer columns.Flush()
	fmt.Fprintln(columns, "CALLER\tIS\tASKS FOR\tGETS\tTIER\tLEVEL\tWHY")
	for _, r := range p.rows {
		if err := d.check(ctx, r); err != nil {
			return err
		}
		identity := d.explain(r).Caller.Text
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.caller, identity, r.service,
			dash(strings.Join(r.want, " ")), dash(r.tier), dash(r.level), r.why)
	}
	return nil
}

// check waits until the SDK has the wanted list, and compares tier and level
// with the offline decision.
func (d *demo) check(ctx context.Context, r row) error {
	decided := d.explain(r)
	if decided.Tier != r.tier || decided.Level != r.level || !slices.Equal(cases.Hosts(decided), r.want) {
		return fmt.Errorf("%s, %s: the rules give %v by tier %q and level %q, expected %v by %q and %q",
			r.caller, r.service, cases.Hosts(decided), decided.Tier, decided.Level, r.want, r.tier, r.level)
	}
	for deadline := time.Now().Add(patience); ; {
		got, err := d.Consumers.Get(r.caller, "default", r.service)
		if err != nil {
			return err
		}
		var hosts []string
		for _, i := range got.Instances {
			hosts = append(hosts, i.Host)
		}
		slices.Sort(hosts)
		if slices.Equal(hosts, r.want) && got.Error == "" {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s asked for %s: the SDK has %v (%s), expected %v", r.caller, r.service, hosts, got.Error, r.want)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (d *demo) loadWorld() error {
	var problems strict.Problems
	d.world = world.World{Instances: d.world.Instances, Now: time.Now()} // a new world: it keeps nothing of earlier decisions
	d.world.Table = location.LoadMapping([]strict.File{{Name: "mapping.yaml", Data: []byte(mappingFile)}}, &problems)
	d.world.Rules = route.Load([]strict.File{{Name: "routing.yaml", Data: []byte(d.routing)}}, d.world.Now, &problems)
	return problems.Err()
}

func (d *demo) isolate(service, host string) {
	for n := range d.world.Instances {
		if i := &d.world.Instances[n]; i.Service.Name == service && i.Host == host {
			i.Isolate = true
		}
	}
}

func addrOf(caller string) netip.Addr {
	for _, c := range callers {
		if c.Name == caller {
			return c.Addr
		}
	}
	return netip.Addr{}
}

func (d *demo) explain(r row) explain.Explanation {
	return d.world.Explain(world.Request{Addr: addrOf(r.caller), Service: route.Service{Namespace: "default", Name: r.service}})
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
