// Command night lives a night on a cluster of three servers with real callers: unmodified
// SDKs in several SETs and cities. A city goes dark, a pool is overloaded, a wrong mapping
// is published, a node is killed, the database and Redis go away, a city is evacuated, and
// everything recovers. For each of these the command measures the seconds until the
// callers have their list, and until the metric, the alert, the headline of the page and
// `setctl status` say so, and until they say that it is over. It ends with 1 if one of them
// does not, or says something false: docs/operations.md tells that night.
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
	server, setctl, sdk string // paths of programs
	alerts              string // the alert rules; empty: no Prometheus
	short               bool   // alerts fire at once: without their `for` and `keep_firing_for`
	only                string // the name of one incident; empty: all
	out                 io.Writer
}

// scrape is how often Prometheus asks the servers.
func (p plan) scrape() time.Duration {
	if p.short {
		return time.Second
	}
	return 15 * time.Second
}

func main() {
	p := plan{out: os.Stdout}
	flag.StringVar(&p.server, "server", "bin/polaris-server", "the server")
	flag.StringVar(&p.setctl, "setctl", "bin/setctl", "the operators' command")
	flag.StringVar(&p.sdk, "sdk", "bin/demo-consumer", "the program with the unmodified SDK")
	flag.StringVar(&p.alerts, "alerts", "build/observability/alerts.yaml", "the alert rules; empty: no Prometheus")
	flag.BoolVar(&p.short, "short", false, "alerts without their `for`")
	flag.StringVar(&p.only, "only", "", "the name of one incident")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "night:", err)
		os.Exit(1)
	}
}

// run lives the night. The error says that it could not, or what was not said, or was
// false.
func run(ctx context.Context, p plan) (err error) {
	t, err := found(ctx, p)
	if t != nil {
		defer func() { err = errors.Join(err, t.close()) }()
	}
	if err != nil {
		return err
	}
	w := t.watch(ctx)
	defer w.stop()
	report := &report{out: p.out, start: time.Now(), short: p.short}
	if err := t.quiet(ctx, w, report); err != nil {
		return fmt.Errorf("before the night: %w", err)
	}
	for _, i := range incidents {
		if p.only != "" && i.name != p.only {
			continue
		}
		if err := t.live(ctx, w, i, report); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", i.name, err), report.write(w))
		}
	}
	return report.write(w)
}
