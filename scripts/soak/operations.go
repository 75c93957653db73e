package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// putFiles writes files below every node's directory, also if the node is down.
func (d *driver) putFiles(kind string, files map[string]string) {
	for name, content := range files {
		d.files[name] = content
		for _, n := range d.nodes {
			server, _ := n.current()
			err := server.WriteFile(name, content)
			d.actions.note(kind, err, "%s at %s", name, n)
		}
	}
}

func (d *driver) reloadRules(context.Context) {
	if !d.nodeBusy.TryLock() { // a starting node reads its files
		return
	}
	defer d.nodeBusy.Unlock()
	d.putFiles("reload rules", map[string]string{rulesFile: d.rules(time.Now())})
}

func (d *driver) reloadMapping(context.Context) {
	files := map[string]string{callersFile: d.mapping()}
	if d.chance(30) {
		files = map[string]string{hostsFile: d.hosts()}
	}
	d.putFiles("reload mapping", files)
}

var lanesFile = polaristest.ConfigFile{Namespace: "Polaris", Group: "setrouter", Name: "lanes.yaml"}

func (d *driver) publishLanes(ctx context.Context) {
	lanes := d.draw.lanes()
	if err := d.publish(ctx, "publish", lanes); err == nil {
		d.lanes = lanes
	}
}

func (d *driver) publish(ctx context.Context, kind, content string) error {
	ctx, cancel := patience(ctx)
	defer cancel()
	d.releases++
	name := fmt.Sprintf("r%d", d.releases)
	err := d.console().Publish(ctx, lanesFile, name, content)
	d.actions.note(kind, err, "%s of %s", name, lanesFile.Name)
	return err
}

// breakFile gives a node a broken file, waits until the node says that it refuses
// the file, and puts the good file back.
func (d *driver) breakFile(ctx context.Context) {
	n := d.anyUp()
	if !d.nodeBusy.TryLock() {
		return
	}
	defer d.nodeBusy.Unlock()
	server, _ := n.current()
	name := pick(d.draw, []string{rulesFile, callersFile})
	good := d.files[name]
	d.actions.note("broken file", server.WriteFile(name, d.broken(good)), "%s at %s", name, n)
	d.waitRefused(ctx, n, name)
	d.actions.note("good file again", server.WriteFile(name, good), "%s at %s", name, n)
	d.waitGood(ctx, n)
}

// breakRelease publishes a release that does not load, and the good one again.
func (d *driver) breakRelease(ctx context.Context) {
	if d.isCut() || !d.nodeBusy.TryLock() {
		return
	}
	defer d.nodeBusy.Unlock()
	if d.publish(ctx, "broken release", d.broken(d.lanes)) != nil {
		return
	}
	d.waitRefused(ctx, d.nodes[0], lanesFile.Name)
	if d.publish(ctx, "good release again", d.lanes) == nil {
		d.waitGood(ctx, d.nodes[0])
	}
}

// mostWait is how long a node may take to follow its files.
const mostWait = 20 * time.Second

func (d *driver) waitRefused(ctx context.Context, n *node, name string) {
	d.waitStatus(ctx, n, func(problems string) bool { return strings.Contains(problems, name) }, "a broken "+name+" is not refused")
}

func (d *driver) waitGood(ctx context.Context, n *node) {
	d.waitStatus(ctx, n, func(problems string) bool { return problems == "" }, "a good file is not taken")
}

func (d *driver) waitStatus(ctx context.Context, n *node, good func(problems string) bool, fault string) {
	problems := ""
	for end := time.Now().Add(mostWait); time.Now().Before(end); {
		var err error
		if problems, err = n.refused(ctx); ctx.Err() != nil || err == nil && good(problems) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
	d.check.violate(answer{node: n, begin: time.Now(), end: time.Now()}, fault+" within "+mostWait.String()+", its problems: "+problems)
}

// restartNode restarts a node while the other goes on. In the first third of the
// time it takes either node. Afterwards it takes the second only, so that the
// memory of the first can be watched.
func (d *driver) restartNode(ctx context.Context) {
	if d.isCut() || !d.nodeBusy.TryLock() {
		return
	}
	n := d.nodes[1]
	if time.Since(d.began) < d.plan.duration/3 {
		n = pick(d.draw, d.nodes)
	}
	left := d.plan.duration - time.Since(d.began)
	kill := d.chance(60) || left < 15*time.Second // a SIGTERM takes the stock server 5 s
	kind := map[bool]string{true: "SIGKILL", false: "SIGTERM"}[kill]
	d.actions.note(kind, nil, "%s", n)
	d.restarts.Go(func() {
		defer d.nodeBusy.Unlock()
		err := n.restart(context.WithoutCancel(ctx), kill)
		d.actions.note("start", err, "%s", n)
		if err != nil {
			d.check.violate(answer{node: n, begin: time.Now(), end: time.Now()}, fmt.Sprintf("the node does not start: %v", err))
		}
	})
}

// cutDatabase takes the database away from a node for a while.
func (d *driver) cutDatabase(ctx context.Context) {
	if !d.nodeBusy.TryLock() { // a server does not start without its database
		return
	}
	n, duration := pick(d.draw, d.nodes), time.Duration(float64(2+d.IntN(5))*float64(time.Second)/d.plan.pace)
	n.setBehind(time.Hour)
	n.links.ToDB.Cut()
	d.cut.Store(true)
	d.actions.note("cut database", nil, "%s for %s", n, duration)
	d.restarts.Go(func() {
		defer d.nodeBusy.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(duration):
		}
		n.links.ToDB.Mend()
		n.setBehind(catchUp)
		d.cut.Store(false)
		d.actions.note("mend database", nil, "%s", n)
	})
}

func (d *driver) isCut() bool { return d.cut.Load() }
