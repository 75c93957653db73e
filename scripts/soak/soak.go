package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/oracle"
	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// soak is a running cluster, with everything that changes and checks it.
type soak struct {
	plan    plan
	dir     string
	cluster *polaristest.Cluster
	nodes   []*node
	actions *actionLog
	check   *checker
	driver  *driver
	callers []*caller
	sdk     *witnesses
	memory  *samples
	cut     atomic.Bool // the database is away from a node
}

func (s *soak) other(n *node) *node { return s.nodes[2-n.number] }

// start starts the cluster, and waits until each node serves all instances and
// files.
func start(ctx context.Context, p plan) (_ *soak, err error) {
	l := &actionLog{counts: map[string]int{}}
	if p.verbose {
		l.verbose = p.out
	}
	s := &soak{plan: p, actions: l, check: newChecker(l), memory: newSamples()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	dr := &driver{soak: s, draw: newDraw(p.seed), instances: map[string]map[int]polaristest.Instance{}}
	s.driver = dr
	dr.files = map[string]string{callersFile: dr.mapping(), hostsFile: dr.hosts(), rulesFile: dr.rules(time.Now())}
	if err := s.startNodes(ctx, dr.files); err != nil {
		return nil, err
	}
	if err := dr.populate(ctx); err != nil {
		return nil, err
	}
	for n := range p.callers {
		s.callers = append(s.callers, newCaller(n, s.nodes[n/len(kinds)/2%2]))
	}
	if p.sdk != "" {
		if s.sdk, err = newWitnesses(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// populate registers everything and publishes lanes. It waits until the nodes have
// all of it.
func (d *driver) populate(ctx context.Context) error {
	count := 0
	for _, service := range serviceNames() {
		d.instances[service] = map[int]polaristest.Instance{}
		var list []polaristest.Instance
		for n := range d.plan.instances {
			i := d.instance(service, n)
			d.instances[service][n], list = i, append(list, i)
			count++
		}
		if err := d.nodes[0].console.Register(ctx, list...); err != nil {
			return err
		}
	}
	for _, alias := range []string{"novel-alias", novelSID} {
		if err := d.nodes[0].console.Alias(ctx, namespace, alias, "novel"); err != nil {
			return err
		}
	}
	d.lanes = d.draw.lanes()
	if err := d.nodes[0].console.Publish(ctx, lanesFile, "r0", d.lanes); err != nil {
		return err
	}
	for _, n := range d.nodes {
		if err := n.settle(ctx, count); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until a node has all instances and files.
func (n *node) settle(ctx context.Context, instances int) error {
	var last error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		body, err := n.fetch(ctx, "dump")
		if err != nil {
			return err
		}
		w, err := oracle.Read(body)
		if err != nil {
			return err
		}
		registered := 0
		for _, i := range w.Instances {
			if i.Service.Namespace == namespace {
				registered++
			}
		}
		if registered == instances && len(w.Aliases) == 2 && len(w.Routing) == 2 {
			return nil
		}
		last = fmt.Errorf("%s has %d instances of %d, %d aliases of 2, %d routing files of 2", n, registered, instances, len(w.Aliases), len(w.Routing))
	}
	return last
}

// live has callers ask, watchers watch and the driver change things, for the time
// of the plan.
func (s *soak) live(ctx context.Context) {
	doing, stop := context.WithCancel(ctx) // no deadline: a stream would tell it to the server
	defer time.AfterFunc(s.plan.duration, stop).Stop()
	defer stop()
	watching, stopWatch := context.WithCancel(ctx)
	var watchers, askers sync.WaitGroup
	for _, n := range s.nodes {
		watchers.Go(func() { s.watch(watching, n) })
	}
	watchers.Go(func() { s.memory.watch(watching, s) })
	time.Sleep(2 * s.plan.dumps) // a state before the first request
	for _, n := range s.nodes {
		askers.Go(func() { s.harass(doing, n) })
		for number := range kindStranger {
			addr, forged := addrOf(number+len(kinds)*n.number), map[string]string{}
			if forges(number) {
				forged = forgery(addr)
			}
			askers.Go(func() { s.overEureka(doing, n, addr, forged) })
			askers.Go(func() { s.overL5(doing, n, addr) })
		}
	}
	for _, c := range s.callers {
		askers.Go(func() { c.keepAsking(doing, s, s.plan.interval) })
	}
	if s.sdk != nil {
		askers.Go(func() { s.sdk.live(doing, s) })
	}
	s.driver.drive(doing)
	askers.Wait()
	for range 50 { // until the last answers are judged
		if s.check.waiting() == 0 || ctx.Err() != nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	stopWatch()
	watchers.Wait()
}
