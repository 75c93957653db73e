// Command bench measures a server with the pack beside the stock server, in one
// run on one machine, and prints ratios beside the targets: docs/performance.md
// has the method and results. Traffic is on loopback only. A missed target is
// printed; it does not fail the run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

// plan says what to measure.
type plan struct {
	instances int
	sets      int
	campuses  int // of each SET
	callers   int // callers that ask as fast as they can
	fleet     int // callers that poll every 2 s
	fleetTime time.Duration
	entries   int // mapping entries beside the callers' entries
	rules     int // rules for other services, before the rule of the service; half of them globs
	rounds    int
	seconds   time.Duration // of each measurement of polls
	sdk       string        // the SDK program; empty: not measured
	sdkTime   time.Duration
}

func main() {
	server := flag.String("server", "bin/polaris-server", "the server with the pack")
	stock := flag.String("stock", "bin/stock-server", "the stock server")
	before := flag.String("before", "", "the server with the pack as it was before a change: a third column, and every measurement is made in all rounds")
	p := plan{}
	flag.IntVar(&p.instances, "instances", 10000, "instances of the one service")
	flag.IntVar(&p.sets, "sets", 50, "SETs that they are in, and callers are in")
	flag.IntVar(&p.campuses, "campuses", 1, "campuses of each SET; with more than one the rule has nearby routing")
	flag.IntVar(&p.callers, "callers", 100, "callers that ask as fast as they can")
	flag.IntVar(&p.fleet, "fleet", 2000, "callers that poll every 2 s while 1% of the instances change each second")
	flag.DurationVar(&p.fleetTime, "fleet-time", 30*time.Second, "how long they do")
	flag.IntVar(&p.entries, "entries", 1000000, "mapping entries, for the reload of one")
	flag.IntVar(&p.rules, "rules", 0, "rules for other services, half of them globs, and a tenth as many lane addresses")
	flag.IntVar(&p.rounds, "rounds", 3, "rounds of polls; the servers take turns, and the median counts")
	flag.DurationVar(&p.seconds, "seconds", 5*time.Second, "length of a measurement of polls")
	flag.StringVar(&p.sdk, "sdk", "bin/demo-consumer", "the program with the unmodified SDK; empty leaves it out")
	flag.DurationVar(&p.sdkTime, "sdk-time", 60*time.Second, "length of its measurement")
	flag.Parse()
	if err := run(context.Background(), p, *stock, *before, *server); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan, stock, before, server string) (err error) {
	fmt.Printf("%d instances in %d SETs x %d campuses, %d callers, %d rounds of %s, fleet of %d for %s\n",
		p.instances, p.sets, p.campuses, p.callers, p.rounds, p.seconds, p.fleet, p.fleetTime)
	db, err := startStore(p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	binaries := []struct{ name, file string }{{"stock", stock}, {"before", before}, {"with the pack", server}}
	var sides []*side
	for _, binary := range binaries {
		if binary.file == "" {
			continue
		}
		s, startErr := startSide(ctx, p, db, binary.name, binary.file)
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, s.server.Kill()) }()
		sides = append(sides, s)
	}
	for _, m := range measurements {
		if err := m.run(ctx, p, sides); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	for _, s := range sides[1:] {
		if err := s.reloads(ctx); err != nil {
			return err
		}
	}
	return nil
}
