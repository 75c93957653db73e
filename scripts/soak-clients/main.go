// Command soak-clients runs the unmodified Nacos and Eureka clients of scripts/clients
// against one server while everything changes: instances, the mapping, the network, the
// clients and the server themselves. It checks every list that a client shows, and that
// each client follows after each round. It ends with 1 if one did not:
// docs/reliability.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// plan says what to do.
type plan struct {
	server   string // path of polaris-server
	clients  string // path of scripts/clients
	built    string // folder for the programs, kept for the next run
	only     string // kinds whose names contain this, separated by commas; empty: all
	duration time.Duration
	seed     uint64
	verbose  bool // print each round
	out      io.Writer
}

// wants reports whether the plan has a kind of clients.
func (p plan) wants(kind string) bool {
	for part := range strings.SplitSeq(p.only, ",") {
		if strings.Contains(kind, part) {
			return true
		}
	}
	return false
}

func main() {
	p := plan{out: os.Stdout}
	flag.StringVar(&p.server, "server", "bin/polaris-server", "the server")
	flag.StringVar(&p.clients, "clients", "scripts/clients", "the folder of the clients' sources")
	flag.StringVar(&p.built, "built", "bin/soak-clients.d", "a folder for the clients' programs")
	flag.StringVar(&p.only, "only", "", "only kinds whose name has one of these, separated by commas")
	flag.DurationVar(&p.duration, "duration", 30*time.Minute, "how long")
	flag.Uint64Var(&p.seed, "seed", 1, "of all that is drawn")
	flag.BoolVar(&p.verbose, "v", false, "print each round")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "soak-clients:", err)
		os.Exit(1)
	}
}

// run runs a whole soak. Its error says that the soak could not run, or that it found
// a fault.
func run(ctx context.Context, p plan) (err error) {
	for _, path := range []*string{&p.server, &p.clients, &p.built} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	t, err := start(ctx, p)
	if err != nil {
		return err
	}
	defer t.close()
	t.live(ctx)
	return t.report()
}
