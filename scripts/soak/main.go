// Command soak runs a cluster of two servers for a long time while everything
// changes: instances, files, evacuations, the nodes themselves. It compares every
// answer that a client gets with the slow oracle, which reads dumps of the node
// that answered. It ends with 1 if an answer is wrong: docs/reliability.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// plan says what to do.
type plan struct {
	server, sdk string // paths of programs; without sdk there are no SDK callers
	duration    time.Duration
	seed        uint64
	callers     int
	instances   int           // of each service
	interval    time.Duration // between two requests of a caller
	dumps       time.Duration // between two dumps of a node
	pace        float64       // 2 is twice as many actions as 1
	verbose     bool          // print each action when it is done
	out         io.Writer
}

func main() {
	p := plan{out: os.Stdout}
	flag.StringVar(&p.server, "server", "bin/polaris-server", "the server")
	flag.StringVar(&p.sdk, "sdk", "bin/demo-consumer", "the program with the unmodified SDK; empty leaves it out")
	flag.DurationVar(&p.duration, "duration", 30*time.Minute, "how long")
	flag.Uint64Var(&p.seed, "seed", 1, "of all that is drawn")
	flag.IntVar(&p.callers, "callers", 48, "callers, half of them over HTTP, half over gRPC")
	flag.IntVar(&p.instances, "instances", 14, "instances of each service")
	flag.DurationVar(&p.interval, "interval", 250*time.Millisecond, "between two requests of a caller")
	flag.DurationVar(&p.dumps, "dumps", 200*time.Millisecond, "between two dumps of a node's state")
	flag.Float64Var(&p.pace, "pace", 1, "times as many changes")
	flag.BoolVar(&p.verbose, "v", false, "print each change")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// run runs a whole soak. Its error says that the soak could not run, or that it
// found a fault.
func run(ctx context.Context, p plan) (err error) {
	fmt.Fprintf(p.out, "seed %d, %s, %d callers, %d instances of each of %d services\n", p.seed, p.duration, p.callers, p.instances, len(services))
	s, err := start(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.live(ctx)
	return s.report()
}
