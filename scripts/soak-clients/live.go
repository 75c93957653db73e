package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	// late is how old a right list may be when a client shows it: clients poll, back off
	// and lose their network.
	late = 90 * time.Second
	// patience is how long a client may take to the right list, once nothing changes.
	patience = 90 * time.Second
	// loss is how long the network may lose everything: longer than the 20 s after which
	// the stock listener ends a connection.
	loss = 25 * time.Second
)

// live runs rounds for the time of the plan. In a round everything changes; then
// nothing does, until each client has the right list.
func (t *town) live(ctx context.Context) {
	end := time.Now().Add(t.plan.duration)
	t.settle(ctx)
	for ctx.Err() == nil && time.Now().Before(end) && len(t.faults) < 20 {
		t.counts["rounds"]++
		done := t.round(ctx)
		slowest := t.settle(ctx)
		if t.plan.verbose {
			fmt.Fprintf(t.plan.out, "%s round %d: %s; settled after %.1f s\n", time.Now().UTC().Format(time.TimeOnly), t.counts["rounds"], strings.Join(done, ", "), slowest.Seconds())
		}
	}
}

// round changes things, and ends with all of them mended.
func (t *town) round(ctx context.Context) (done []string) {
	var mend []func()
	for range 1 + t.draw.IntN(3) {
		f := t.followers[t.draw.IntN(len(t.followers))]
		switch t.draw.IntN(4) {
		case 0, 1:
			done = append(done, "kill "+f.name)
			if err := f.restart(t); err != nil {
				t.fault("%s does not start: %v", f.name, err)
			}
		case 2:
			done = append(done, "cut "+f.name)
			f.cuts++
			f.cut()
		case 3:
			done = append(done, "lose "+f.name)
			f.holds++
			f.hold()
			mend = append(mend, f.release)
		}
	}
	if t.draw.oneOf(3) {
		done = append(done, "silent")
		mend = append(mend, t.openSilent())
	}
	if t.draw.oneOf(6) {
		done = append(done, t.restartServer(ctx))
	}
	length := t.draw.between(2*time.Second, loss)
	for end := time.Now().Add(length); time.Now().Before(end) && ctx.Err() == nil; {
		t.change(ctx)
		t.pause(ctx, t.draw.between(100*time.Millisecond, 2*time.Second))
	}
	for _, f := range mend {
		f()
	}
	return append(done, fmt.Sprintf("%.0f s", length.Seconds()))
}

// change changes one instance, or the mapping. The first instance of the pool and of
// each business without a pool stay, because some clients refuse an empty list.
func (t *town) change(ctx context.Context) {
	from := time.Now()
	if t.draw.oneOf(8) {
		cities := mappings[t.draw.IntN(len(mappings))]
		t.world.remap(from, cities)
		t.counts["mappings"]++
		if err := t.server.WriteFile("conf/mapping/mapping.yaml", mappingFile(cities)); err != nil {
			t.fault("the mapping cannot be written: %v", err)
		}
		return
	}
	set := t.draw.IntN(len(sets))
	number := t.draw.IntN(perSet)
	if number == 0 && (set == pool || !sharesPool(set)) {
		return
	}
	i := registered(set, number)
	_, there := t.usable[i.Host]
	if there {
		delete(t.usable, i.Host)
	} else {
		t.usable[i.Host] = set
	}
	t.counts["changes"]++
	t.world.change(from, t.usable)
	if err := t.console.Isolate(ctx, namespace, service, i.Host, there); err != nil && ctx.Err() == nil {
		t.fault("an instance cannot be isolated: %v", err)
	}
}

func (t *town) restartServer(ctx context.Context) string {
	how, end := "server killed", t.server.Crash
	if t.draw.oneOf(2) {
		how, end = "server stopped", t.server.Stop
	}
	t.counts[how]++
	t.checkServer()
	if err := end(); err != nil {
		t.fault("%s: %v", how, err)
	}
	if err := t.startServer(ctx); err != nil && ctx.Err() == nil {
		t.fault("the server does not start again: %v", err)
	}
	return how
}

// checkServer looks whether the server has ended or panicked.
func (t *town) checkServer() {
	if code := t.server.ExitCode(); code >= 0 {
		t.fault("the server has ended with exit code %d: %s", code, t.server.Faults())
	} else if faults := t.server.Faults(); faults != "none" {
		t.fault("the server: %s", faults)
	}
}

// openSilent opens connections to the listeners, on which nobody says a word, and
// returns what closes them. One of them is a channel of gRPC, which says a word at its
// opening only.
func (t *town) openSilent() (shut func()) {
	var conns []io.Closer
	for _, addr := range []string{t.nacos, t.nacosGRPC, t.eureka} {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conns = append(conns, conn)
		}
	}
	if channel, err := grpc.NewClient(t.nacosGRPC, grpc.WithTransportCredentials(insecure.NewCredentials())); err == nil {
		channel.Connect()
		conns = append(conns, channel)
	}
	t.counts["silent connections"] += len(conns)
	return func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}
}

// pause reads what the clients show, for a time.
func (t *town) pause(ctx context.Context, length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		t.read()
	}
}

// read takes what the clients showed, and checks that each list was right for its city
// in the time before.
func (t *town) read() {
	for _, f := range t.followers {
		for _, s := range f.program.take() {
			f.lists++
			if last := f.last[s.city]; last.isWrong {
				fmt.Fprintf(t.plan.out, "%s in city %d had the wrong list for %.2f s\n", f.name, s.city, s.at.Sub(last.at).Seconds())
			}
			if s.isWrong = !t.world.was(s.city, s.list, s.at.Add(-late), s.at.Add(time.Millisecond)); s.isWrong {
				t.fault("%s in city %d has %q, which was not right in the last %v; right now is %q", f.name, s.city, s.list, late, t.world.now(s.city))
			}
			f.last[s.city] = s
		}
	}
}

// settle waits until each client shows the right list, and returns how long the
// slowest took.
func (t *town) settle(ctx context.Context) (slowest time.Duration) {
	from := time.Now()
	waiting := map[*follower]bool{}
	for _, f := range t.followers {
		waiting[f] = true
	}
	for len(waiting) > 0 && ctx.Err() == nil {
		t.read()
		slowest = time.Since(from)
		for f := range waiting {
			if err := f.revive(t); err != nil {
				t.fault("%s does not start: %v", f.name, err)
			}
			if f.last[0].list == t.world.now(0) && f.last[1].list == t.world.now(1) {
				delete(waiting, f)
				f.slowest = max(f.slowest, slowest)
			} else if slowest > patience {
				delete(waiting, f)
				t.fault("%s has %q since %v and %q since %v, after %v without a change: right are %q and %q", f.name, f.last[0].list,
					f.last[0].at.Format(time.TimeOnly), f.last[1].list, f.last[1].at.Format(time.TimeOnly), patience, t.world.now(0), t.world.now(1))
			}
		}
		t.checkServer()
		time.Sleep(20 * time.Millisecond)
	}
	return slowest
}
