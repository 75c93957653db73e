package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// measurement is one measurement, made on both sides in turns.
type measurement struct {
	name     string
	packOnly bool // of what the stock server does not have
	last     bool // made at the end of the last round only
	// measure adds figures to what the report has under the name of the measurement, or
	// under other names.
	measure func(s *side, ctx context.Context, add func(name string, f rig.Figures)) error
}

// Names of measurements with targets.
const (
	fastPolls    = "unchanged polls, as fast as can be"
	fleetQuiet   = "all callers, no changes"
	fleetChanges = "all callers, one instance in a thousand changes each second"
)

var measurements = []measurement{
	{name: "lists of all kinds", measure: one((*side).lists)},
	{name: fastPolls, measure: one((*side).fastPolls)},
	{name: fleetQuiet, measure: (*side).fleet},
	{name: "reload of one rule", packOnly: true, measure: one((*side).reload)},
	{name: "admin calls", packOnly: true, measure: (*side).adminCalls},
	{name: "all kinds ask for all services", last: true, measure: one((*side).everything)},
}

// one measures figures under the name of the measurement.
func one(f func(s *side, ctx context.Context) (rig.Figures, error)) func(*side, context.Context, func(string, rig.Figures)) error {
	return func(s *side, ctx context.Context, add func(string, rig.Figures)) error {
		figures, err := f(s, ctx)
		add("", figures)
		return err
	}
}

// changesPerSecond is how often instances change in a second.
const changesPerSecond = 10

// caller is a caller with the services that it polls.
type caller struct {
	*rig.Caller
	services []string
}

// connect connects n callers, of all kinds in turn, and has each of them fetch its lists.
// With all, a caller polls all services that its kind uses.
func (s *side) connect(ctx context.Context, n int, all bool) (list []*caller, err error) {
	list = make([]*caller, n)
	used := make([][]string, s.plan.kinds)
	for k := range used {
		used[k] = s.plan.usedBy(kind(k))
	}
	return list, inParallel(n, func(i int) error {
		k, nth := i%s.plan.kinds, i/s.plan.kinds
		c, err := rig.Dial(ctx, s.server.GRPCAddr, kind(k).addr(nth))
		if err != nil {
			return err
		}
		list[i] = &caller{Caller: c, services: used[k]}
		if !all {
			list[i].services = nil
			for j := range s.plan.polled {
				list[i].services = append(list[i].services, used[k][(nth*s.plan.polled+j)%len(used[k])])
			}
		}
		return list[i].fetch()
	})
}

// fetch fetches the lists of the caller's services.
func (c *caller) fetch() error {
	for _, service := range c.services {
		if _, _, err := c.Ask(service, true); err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
	}
	return nil
}

// connecting is how many callers connect at the same time.
const connecting = 32

// inParallel calls f for 0 to n-1, and returns the errors.
func inParallel(n int, f func(int) error) error {
	faults := make([]error, n)
	next, wg := make(chan int), sync.WaitGroup{}
	for range connecting {
		wg.Go(func() {
			for i := range next {
				faults[i] = f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return errors.Join(faults...)
}

func hangUp(callers []*caller) {
	for _, c := range callers {
		if c != nil {
			c.Close()
		}
	}
}

// lists has a caller of each kind fetch all lists that its kind uses.
func (s *side) lists(ctx context.Context) (rig.Figures, error) {
	before, err := s.heap()
	if err != nil {
		return nil, err
	}
	used, start := rig.CPU(s.server.PID()), time.Now()
	callers, err := s.connect(ctx, s.plan.kinds, true)
	defer hangUp(callers)
	if err != nil {
		return nil, err
	}
	took, lists := time.Since(start), float64(s.plan.kinds*s.plan.uses)
	used = rig.CPU(s.server.PID()) - used
	after, err := s.heap()
	return rig.Figures{
		"heap before, MB": before, "heap MB": after, "KB for each kind and service": (after - before) * 1024 / lists,
		"CPU ms for each list": rig.Milliseconds(used) / lists, "s": took.Seconds(), "resident MB": rig.Memory(s.server.PID()),
	}, err
}

// fast is how many callers ask as fast as they can.
const fast = 100

// fastPolls has callers of many kinds ask as fast as they can, with the revisions that they
// have.
func (s *side) fastPolls(ctx context.Context) (rig.Figures, error) {
	callers, err := s.connect(ctx, min(fast, s.plan.callers), true)
	defer hangUp(callers)
	if err != nil {
		return nil, err
	}
	defer s.profile(s.plan.seconds, fastPolls)()
	start, used := time.Now(), rig.CPU(s.server.PID())
	end, times := start.Add(s.plan.seconds), make([][]time.Duration, len(callers))
	err = all(callers, func(n int, c *caller) error {
		for i := 0; time.Now().Before(end); i++ {
			a, took, err := c.Ask(c.services[i%len(c.services)], false)
			if err == nil && a.Code != rig.CodeUnchanged {
				err = fmt.Errorf("code %d", a.Code)
			}
			if err != nil {
				return err
			}
			times[n] = append(times[n], took)
		}
		return nil
	})
	took, cpu, all := time.Since(start), rig.CPU(s.server.PID())-used, slices.Concat(times...)
	slices.Sort(all)
	return rig.Figures{
		"requests/s": float64(len(all)) / took.Seconds(), "CPU ms/request": rig.Milliseconds(cpu) / float64(len(all)),
		"p50 ms": rig.Milliseconds(rig.Percentile(all, 50)), "p99 ms": rig.Milliseconds(rig.Percentile(all, 99)),
	}, err
}

// all calls f for all callers at the same time, and returns the errors.
func all(callers []*caller, f func(int, *caller) error) error {
	faults, wg := make([]error, len(callers)), sync.WaitGroup{}
	for n, c := range callers {
		wg.Go(func() { faults[n] = f(n, c) })
	}
	wg.Wait()
	return errors.Join(faults...)
}

// fleet has all callers poll at their interval, without changes and with changes.
func (s *side) fleet(ctx context.Context, add func(string, rig.Figures)) error {
	used := rig.CPU(s.server.PID())
	callers, err := s.connect(ctx, s.plan.callers, false)
	defer hangUp(callers)
	if err != nil {
		return err
	}
	connected := rig.CPU(s.server.PID()) - used
	quiet, err := s.polled(callers, 0)
	if err != nil {
		return err
	}
	quiet["CPU s to connect, and for the first lists"] = connected.Seconds()
	quiet["resident MB"] = rig.Memory(s.server.PID())
	if quiet["heap MB"], err = s.heap(); err != nil {
		return err
	}
	add("", quiet)
	changing, err := s.polled(callers, max(1, s.plan.instances/1000/changesPerSecond))
	add(fleetChanges, changing)
	return err
}

// polled has callers poll while so many instances change ten times a second.
func (s *side) polled(callers []*caller, changes int) (rig.Figures, error) {
	defer s.profile(s.plan.fleet, fmt.Sprintf("fleet with %d changes", changes))()
	start, used := time.Now(), rig.CPU(s.server.PID())
	end, polled := start.Add(s.plan.fleet), make([]polls, len(callers))
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() { stopped <- s.change(changes, stop) }()
	err := all(callers, func(n int, c *caller) (err error) {
		polled[n], err = c.poll(end, s.plan.interval, s.plan.interval*time.Duration(n)/time.Duration(len(callers)))
		return err
	})
	took, cpu := time.Since(start), rig.CPU(s.server.PID())-used
	close(stop)
	sum := polls{}
	for _, p := range polled {
		sum.times, sum.bytes, sum.changed = append(sum.times, p.times...), sum.bytes+p.bytes, sum.changed+p.changed
	}
	slices.Sort(sum.times)
	n := float64(len(sum.times))
	return rig.Figures{
		"polls/s": n / took.Seconds(), "CPU ms/poll": rig.Milliseconds(cpu) / n, "CPU, cores": cpu.Seconds() / took.Seconds(), "p50 ms": rig.Milliseconds(rig.Percentile(sum.times, 50)),
		"p99 ms": rig.Milliseconds(rig.Percentile(sum.times, 99)), "bytes/poll": float64(sum.bytes) / n, "changed answers, share": float64(sum.changed) / n,
	}, errors.Join(err, <-stopped)
}

// change changes so many instances ten times a second until it is stopped.
func (s *side) change(n int, stop chan struct{}) error {
	tick := time.NewTicker(time.Second / changesPerSecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-tick.C:
		}
		if n == 0 {
			continue
		}
		if err := s.store.change(n); err != nil {
			return err
		}
	}
}

// polls is what polls came to.
type polls struct {
	times          []time.Duration
	bytes, changed int
}

// poll polls all services of a caller at an interval. A slow answer takes the place of
// polls, which are not made up for.
func (c *caller) poll(end time.Time, interval, wait time.Duration) (sum polls, err error) {
	for next := time.Now().Add(wait); next.Before(end); next = next.Add(interval) {
		time.Sleep(time.Until(next))
		for _, service := range c.services {
			a, took, err := c.Ask(service, false)
			if err != nil {
				return sum, err
			}
			if a.Code == rig.CodeChanged {
				sum.changed++
			}
			sum.bytes += a.Size
			sum.times = append(sum.times, took)
		}
		if late := time.Since(next); late > interval {
			next = next.Add(late - late%interval)
		}
	}
	return sum, nil
}

// reload changes the rule of one service, and waits for the list of a caller of it.
func (s *side) reload(ctx context.Context) (rig.Figures, error) {
	callers, err := s.connect(ctx, s.plan.kinds, true)
	defer hangUp(callers)
	if err != nil {
		return nil, err
	}
	c, service := callers[0], callers[0].services[1]
	used, start := rig.CPU(s.server.PID()), time.Now()
	if err := s.server.WriteFile("conf/routing/routing.yaml", s.plan.routing(service)); err != nil {
		return nil, err
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		a, _, err := c.Ask(service, false)
		if err != nil {
			return nil, err
		}
		if a.Code == rig.CodeChanged {
			break
		}
		if time.Now().After(end) {
			return nil, errors.New("no other list within a minute")
		}
	}
	took, cpu, others := time.Since(start), rig.CPU(s.server.PID())-used, 0
	for _, c := range callers {
		for _, service := range c.services {
			a, _, err := c.Ask(service, false)
			if err != nil {
				return nil, err
			}
			if a.Code == rig.CodeChanged {
				others++
			}
		}
	}
	after := rig.CPU(s.server.PID()) - used
	err = s.server.WriteFile("conf/routing/routing.yaml", s.plan.routing(""))
	return rig.Figures{"in force after, s": took.Seconds(), "CPU s until then": cpu.Seconds(), "CPU s, and of a poll of each kind": after.Seconds(), "lists fetched by others": float64(others)}, err
}

// adminCalls asks what operators, the page and scrapers ask, each twice. The figures are of
// the second time.
func (s *side) adminCalls(ctx context.Context, add func(string, rig.Figures)) error {
	callers, err := s.connect(ctx, min(s.plan.callers, 10*s.plan.kinds), false)
	defer hangUp(callers)
	if err != nil {
		return err
	}
	service := url.QueryEscape("default/" + callers[0].services[1])
	api := s.server.AdminURL + "/setrouter/v1/"
	calls := []struct{ name, url string }{
		{"page", s.server.AdminURL + "/"}, {"metrics", "http://" + s.server.HTTPAddr + "/metrics"},
		{"explain", api + "explain?caller=" + kind(0).addr(0).String() + "&service=" + service}, {"who", api + "who?service=" + service},
		{"status", api + "status"}, {"nodes", api + "nodes"}, {"timeline", api + "timeline?limit=200"}, {"changes", api + "changes"},
		{"callers", api + "callers"}, {"callers of a service", api + "callers?service=" + service}, {"services", api + "services"}, {"servicestates", api + "servicestates?limit=20"},
		{"matrix", api + "matrix"}, {"matrix of a service", api + "matrix?service=" + service}, {"matrix of all kinds", api + "matrix?all=true&limit=1"},
	}
	cpu, wall, size := rig.Figures{}, rig.Figures{}, rig.Figures{}
	for _, call := range calls {
		for range 2 {
			used, start := rig.CPU(s.server.PID()), time.Now()
			body, err := get(call.url)
			if err != nil {
				return err
			}
			cpu[call.name], wall[call.name] = rig.Milliseconds(rig.CPU(s.server.PID())-used), rig.Milliseconds(time.Since(start))
			size[call.name] = float64(len(body)) / 1024
		}
	}
	add("admin calls, CPU ms", cpu)
	add("admin calls, wall ms", wall)
	add("admin calls, KB of the answer", size)
	return nil
}

// everything has a caller of each kind ask for all services, twice.
func (s *side) everything(ctx context.Context) (rig.Figures, error) {
	before, err := s.heap()
	if err != nil {
		return nil, err
	}
	callers := make([]*caller, s.plan.kinds)
	defer func() { hangUp(callers) }()
	used := rig.CPU(s.server.PID())
	err = inParallel(len(callers), func(n int) error {
		c, err := rig.Dial(ctx, s.server.GRPCAddr, kind(n).addr(0))
		if err != nil {
			return err
		}
		callers[n] = &caller{Caller: c}
		for service := range s.plan.services {
			callers[n].services = append(callers[n].services, s.plan.serviceName(service))
		}
		return callers[n].fetch()
	})
	if err != nil {
		return nil, err
	}
	first, lists := rig.CPU(s.server.PID())-used, float64(s.plan.kinds*s.plan.services)
	err = inParallel(len(callers), func(n int) error {
		_, err := callers[n].poll(time.Now().Add(time.Millisecond), time.Hour, 0)
		return err
	})
	resident := rig.Memory(s.server.PID())
	after, heapErr := s.heap()
	return rig.Figures{
		"heap before, MB": before, "heap MB": after, "KB for each kind and service": (after - before) * 1024 / lists, "resident MB": resident,
		"CPU ms for each list": rig.Milliseconds(first) / lists, "CPU ms for each poll after that": rig.Milliseconds(rig.CPU(s.server.PID())-used-first) / lists,
	}, errors.Join(err, heapErr)
}
