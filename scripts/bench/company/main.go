// Command company measures a server with the pack beside the stock server where a company
// has many services: one run on one machine, the servers in turns, and ratios beside the
// targets. docs/performance.md has the method and results. Traffic is on loopback only. A
// missed target is printed; it does not fail the run.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/polaris-contrib/setrouter/scripts/bench/rig"
)

// plan says what to make, and what to measure.
type plan struct {
	company
	callers  int // of all kinds together
	polled   int // services that a caller polls
	interval time.Duration
	fleet    time.Duration // length of each measurement with all callers
	seconds  time.Duration // length of each measurement of callers that ask as fast as they can
	rounds   int
	all      bool   // at the end all kinds ask for all services
	profiles string // folder for CPU profiles; empty: none
}

func main() {
	server := flag.String("server", "bin/polaris-server", "the server with the pack")
	stock := flag.String("stock", "bin/stock-server", "the stock server")
	p := plan{}
	flag.IntVar(&p.services, "services", 5000, "services")
	flag.IntVar(&p.rules, "rules", 2000, "rules")
	flag.IntVar(&p.instances, "instances", 100000, "instances of all services together")
	flag.IntVar(&p.kinds, "kinds", 200, "kinds of callers")
	flag.IntVar(&p.uses, "uses", 25, "services that a kind of callers uses")
	flag.IntVar(&p.callers, "callers", 20000, "callers that poll")
	flag.IntVar(&p.polled, "polled", 3, "services that each of them polls")
	flag.DurationVar(&p.interval, "interval", 10*time.Second, "how often they do")
	flag.DurationVar(&p.fleet, "fleet-time", 30*time.Second, "how long they do, without changes and with changes")
	flag.DurationVar(&p.seconds, "seconds", 5*time.Second, "length of a measurement of polls as fast as can be")
	flag.IntVar(&p.rounds, "rounds", 5, "rounds; the median counts")
	flag.BoolVar(&p.all, "all", true, "at the end, all kinds ask for all services")
	flag.StringVar(&p.profiles, "profiles", "", "a folder for CPU profiles of the polls; each round replaces those before")
	flag.Parse()
	if err := run(context.Background(), p, *stock, *server); err != nil {
		fmt.Fprintln(os.Stderr, "company:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan, stock, server string) (err error) {
	fmt.Printf("%d services, %d rules, %d instances, %d kinds of callers that use %d services each, %d callers that poll %d services every %s, %d rounds\n",
		p.services, p.rules, p.instances, p.kinds, p.uses, p.callers, p.polled, p.interval, p.rounds)
	if err := allowFiles(uint64(p.callers + spareFiles)); err != nil {
		return err
	}
	db, err := startStore(p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	r := report{}
	for n := range p.rounds {
		if err := round(ctx, p, db, &r, n, stock, server); err != nil {
			return fmt.Errorf("round %d: %w", n+1, err)
		}
		r.print(os.Stdout)
	}
	return nil
}

// spareFiles is how many files a process has open besides the connections of callers.
const spareFiles = 500

// allowFiles lets this process, and the servers that it starts, have so many files open.
func allowFiles(n uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Cur >= n && limit.Max >= n {
		return nil
	}
	raised := unix.Rlimit{Cur: max(n, limit.Cur), Max: max(n, limit.Max)}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &raised); err != nil {
		return fmt.Errorf("%d files can be open, and %d callers need %d: %w; ulimit -n, as root, raises the limit, -callers lowers the need", limit.Max, n-spareFiles, n, err)
	}
	return nil
}

// round starts both servers, and makes every measurement on both.
func round(ctx context.Context, p plan, db *store, r *report, n int, stock, server string) (err error) {
	var sides []*side
	for _, binary := range []struct{ name, file string }{{"stock", stock}, {"pack", server}} {
		s, figures, err := startSide(ctx, p, db, binary.name, binary.file)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.server.Kill()) }()
		r.add("start", s.name, figures)
		sides = append(sides, s)
	}
	for _, m := range measurements {
		if m.last && (n < p.rounds-1 || !p.all) {
			continue
		}
		for _, s := range sides {
			if m.packOnly && s.name != "pack" {
				continue
			}
			fmt.Fprintf(os.Stderr, "%s round %d, %s: %s\n", time.Now().Format(time.TimeOnly), n+1, s.name, m.name)
			err := m.measure(s, ctx, func(name string, f rig.Figures) {
				fmt.Fprintln(os.Stderr, f)
				r.add(cmp.Or(name, m.name), s.name, f)
			})
			if err != nil {
				return fmt.Errorf("%s: %s: %w", m.name, s.name, err)
			}
		}
	}
	return nil
}
