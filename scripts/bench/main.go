// Command bench measures a server with the pack beside the stock server, in one
// run on one machine, and prints ratios: docs/performance.md has the method and
// results. It is bounded in time and sends traffic on loopback only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"text/tabwriter"
	"time"
)

// plan is what is measured.
type plan struct {
	instances int
	sets      int
	callers   int // streams at once, over all SETs
	rounds    int
	seconds   time.Duration // of each measurement
}

func main() {
	server := flag.String("server", "bin/polaris-server", "the server with the pack")
	stock := flag.String("stock", "bin/stock-server", "the stock server")
	p := plan{}
	flag.IntVar(&p.instances, "instances", 10000, "instances of the one service")
	flag.IntVar(&p.sets, "sets", 50, "SETs that they are in, and callers are in")
	flag.IntVar(&p.callers, "callers", 100, "callers at once")
	flag.IntVar(&p.rounds, "rounds", 3, "rounds; both servers take turns, and the median counts")
	flag.DurationVar(&p.seconds, "seconds", 5*time.Second, "length of a measurement")
	flag.Parse()
	if err := run(context.Background(), p, *server, *stock); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan, server, stock string) (err error) {
	fmt.Printf("%d instances in %d SETs, %d callers, %d rounds of %s\n", p.instances, p.sets, p.callers, p.rounds, p.seconds)
	var sides [2]*side
	for i, binary := range []string{stock, server} {
		s, startErr := startSide(ctx, p, binary)
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, s.server.Kill()) }()
		sides[i] = s
	}
	for _, work := range []struct {
		name    string
		changed bool
	}{{"unchanged poll", false}, {"changed answer", true}} {
		var results [2][]result
		for range p.rounds {
			for i, s := range sides {
				r, err := s.measure(ctx, p, work.changed)
				if err != nil {
					return fmt.Errorf("%s: %w", work.name, err)
				}
				results[i] = append(results[i], r)
			}
		}
		print2(work.name, median(results[0]), median(results[1]))
	}
	for i, name := range []string{"stock", "with the pack"} {
		fmt.Printf("resident memory afterwards, %s: %d MB\n", name, sides[i].memory()>>20)
	}
	return nil
}

// print2 prints both results and their ratios.
func print2(work string, stock, pack result) {
	fmt.Printf("\n%s\n", work)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintln(t, "\tstock\twith the pack\tratio")
	row := func(name, format string, a, b float64) {
		fmt.Fprintf(t, "%s\t"+format+"\t"+format+"\t%.4g\n", name, a, b, b/a)
	}
	row("requests/s", "%.0f", stock.perSecond, pack.perSecond)
	row("p50 ms", "%.2f", stock.p50, pack.p50)
	row("p99 ms", "%.2f", stock.p99, pack.p99)
	row("bytes of an answer", "%.0f", stock.bytes, pack.bytes)
	row("server CPU ms per request", "%.4f", stock.cpu, pack.cpu)
}
