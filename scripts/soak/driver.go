package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// driver changes the cluster: instances, files, nodes.
type driver struct {
	*soak
	draw
	instances map[string]map[int]polaristest.Instance // that are registered, by service and number
	// The instances that changeGroup has made unhealthy.
	downService string
	downNumbers []int

	files    map[string]string // of every node, by name
	lanes    string
	releases int
	began    time.Time
	restarts sync.WaitGroup
	nodeBusy sync.Mutex // while a node restarts, or has a broken file
}

// kindOfAction is an action that is done about once in a time, and for the first
// time after half of that time.
type kindOfAction struct {
	every time.Duration
	do    func(d *driver, ctx context.Context)
	next  time.Time
}

func kindsOfAction() []*kindOfAction {
	return []*kindOfAction{
		{every: 700 * time.Millisecond, do: (*driver).changeInstance},
		{every: 4 * time.Second, do: (*driver).changeGroup},
		{every: 6 * time.Second, do: (*driver).changeFake},
		{every: 40 * time.Second, do: (*driver).reloadRules},
		{every: 16 * time.Second, do: (*driver).reloadMapping},
		{every: 50 * time.Second, do: (*driver).publishLanes},
		{every: 40 * time.Second, do: (*driver).breakFile},
		{every: 50 * time.Second, do: (*driver).breakRelease},
		{every: 45 * time.Second, do: (*driver).restartNode},
		{every: 60 * time.Second, do: (*driver).cutDatabase},
	}
}

// drive does actions until the context ends.
func (d *driver) drive(ctx context.Context) {
	defer d.restarts.Wait()
	d.began = time.Now()
	list := kindsOfAction()
	for _, k := range list {
		k.every = time.Duration(float64(k.every) / d.plan.pace)
		k.next = d.began.Add(k.every / 2)
	}
	for {
		next := list[0]
		for _, k := range list {
			if k.next.Before(next.next) {
				next = k
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next.next)):
		}
		next.do(d, ctx)
		next.next = time.Now().Add(next.every/2 + time.Duration(d.Int64N(int64(next.every))))
	}
}

// console returns the console of a node that is up.
func (d *driver) console() *polaristest.Console { return d.anyUp().console }

func (d *driver) anyUp() *node {
	n := pick(d.draw, d.nodes)
	if _, life := n.current(); !life.up {
		return d.other(n)
	}
	return n
}

// patience bounds the time of an action: a server without its database answers
// late.
func patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 4*time.Second)
}

// changeInstance registers, deregisters or changes one instance.
func (d *driver) changeInstance(ctx context.Context) {
	ctx, cancel := patience(ctx)
	defer cancel()
	service, number := pick(d.draw, serviceNames()), d.IntN(d.plan.instances)
	i, ok := d.instances[service][number]
	c := d.console()
	if !ok {
		i = d.instance(service, number)
		err := c.Register(ctx, i)
		d.actions.note("register", err, "%s", describe(i))
		if err == nil {
			d.instances[service][number] = i
		}
		return
	}
	kind := pick(d.draw, []string{"deregister", "health", "health", "health", "weight", "identity", "isolate"})
	var err error
	switch kind {
	case "deregister":
		if err = c.Deregister(ctx, i); err == nil {
			delete(d.instances[service], number)
		}
		d.actions.note(kind, err, "%s", describe(i))
		return
	case "health":
		i.Healthy = !i.Healthy
	case "weight":
		i.Weight = pick(d.draw, []uint32{0, 1, 50, 100, 250})
	case "identity":
		d.identity(&i)
	case "isolate":
		i.Isolate = !i.Isolate
	}
	if err = c.Update(ctx, i); err == nil {
		d.instances[service][number] = i
	}
	d.actions.note(kind, err, "%s", describe(i))
}

// changeGroup makes all instances of a service in a SET or at a place unhealthy.
// The next time it makes them healthy again. So tiers and levels fail and come
// back.
func (d *driver) changeGroup(ctx context.Context) {
	ctx, cancel := patience(ctx)
	defer cancel()
	service, numbers, healthy := d.downService, d.downNumbers, true
	if len(numbers) == 0 {
		service, healthy = pick(d.draw, serviceNames()), false
		set, zone, bySET := pick(d.draw, kinds[:5]).set, pick(d.draw, places)[1], d.chance(75)
		for bySET && !slices.Contains(services[service], set) {
			service = pick(d.draw, serviceNames())
		}
		for n, i := range d.instances[service] {
			inGroup := i.Location != nil && i.Location.Zone == zone
			if bySET {
				inGroup = i.Metadata["internal-set-name"] == set
			}
			if inGroup && i.Healthy {
				numbers = append(numbers, n)
			}
		}
	}
	var list []polaristest.Instance
	for _, n := range numbers {
		if i, ok := d.instances[service][n]; ok {
			i.Healthy = healthy
			list = append(list, i)
		}
	}
	d.downService, d.downNumbers = service, nil
	if len(list) == 0 {
		return
	}
	err := d.console().Update(ctx, list...)
	if err == nil {
		for n, i := range d.instances[service] {
			if slices.Contains(numbers, n) {
				i.Healthy = healthy
				d.instances[service][n] = i
			}
		}
		if !healthy {
			d.downNumbers = numbers
		}
	}
	d.actions.note("group", err, "%d instances of %s healthy %t, as %s", len(list), service, healthy, describe(list[0]))
}

func describe(i polaristest.Instance) string {
	place := "-"
	if i.Location != nil {
		place = i.Location.Region + "/" + i.Location.Zone + "/" + i.Location.Campus
	}
	return fmt.Sprintf("%s %s:%d healthy %t isolate %t weight %d at %s in %s", i.Service, i.Host, i.Port, i.Healthy, i.Isolate, i.Weight, place,
		strings.TrimLeft(i.Metadata["internal-set-name"]+" "+i.Metadata["set-group"], " "))
}
