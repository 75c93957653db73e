// Command sandbox runs a company on loopback until Ctrl-C: a server with the pack,
// callers with the unmodified SDK, and a folder in which the commands of docs/operations.md,
// docs/rollout.md and docs/tutorial-set.md work as they stand there. See docs/sandbox.md.
//
// In that folder the same program switches a city off and on. Called kubectl, it plays
// the kubectl of the tutorial.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/polaris-contrib/setrouter/internal/plural"
	"github.com/polaris-contrib/setrouter/internal/test/sandbox"
)

const usage = `usage: sandbox [flags]             run a company until Ctrl-C
       sandbox off CITY [SERVICE]  mark the instances in a city unhealthy
       sandbox on CITY [SERVICE]   mark them healthy again
`

func main() {
	// SIGPIPE: what reads the output has ended.
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer cancel()
	name, call := "sandbox", func() error { return command(ctx, os.Stdout, os.Args[1:]) }
	if filepath.Base(os.Args[0]) == "kubectl" {
		name, call = "kubectl", func() error { return kubectl(ctx, os.Args[1:]) }
	}
	if err := call(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		cancel()
		os.Exit(1)
	}
}

// command runs a company, or does something to the one that runs.
func command(ctx context.Context, w io.Writer, args []string) error {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return switchCity(ctx, w, args)
	}
	f := flag.NewFlagSet("sandbox", flag.ExitOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), usage)
		f.PrintDefaults()
	}
	var r runner
	f.StringVar(&r.company, "company", "shop", "the company: "+strings.Join(slices.Sorted(maps.Keys(sandbox.Companies)), " or "))
	f.StringVar(&r.ports, "ports", "8090,8091,8095", "the ports for HTTP, SDKs (gRPC) and operators (set-admin)")
	f.StringVar(&r.token, "token", "sandbox", "the operators' token")
	f.BoolVar(&r.open, "open", false, "open the operators' page with xdg-open")
	f.StringVar(&r.repository, "repository", ".", "the folder of the repository")
	f.StringVar(&r.programs, "programs", "bin", "the folder of polaris-server, setctl and demo-consumer")
	_ = f.Parse(args) // ends the program
	if f.NArg() > 0 {
		return fmt.Errorf("unknown %q; %s", f.Arg(0), usage)
	}
	if runtime.GOOS != "linux" {
		return errors.New("the sandbox needs Linux, as its callers need a second address of loopback, 127.0.0.2")
	}
	r.out = w
	return r.run(ctx)
}

// switchCity is `sandbox off` and `sandbox on`.
func switchCity(ctx context.Context, w io.Writer, args []string) error {
	if len(args) < 2 || len(args) > 3 || args[0] != "off" && args[0] != "on" {
		return fmt.Errorf("unknown %q\n%s", strings.Join(args, " "), usage)
	}
	console, err := sandbox.Find(ctx)
	if err != nil {
		return err
	}
	service := strings.Join(args[2:], "")
	n, err := sandbox.Switch(ctx, console, args[1], service, args[0] == "on")
	if err != nil {
		return err
	}
	health := map[string]string{"off": "unhealthy", "on": "healthy"}[args[0]]
	fmt.Fprintf(w, "%s of %s: %s now\n", plural.Count(n, "instance", "instances"), args[1], health)
	return nil
}

func kubectl(ctx context.Context, args []string) error {
	console, err := sandbox.Find(ctx)
	if err != nil {
		return err
	}
	return sandbox.Kubectl(ctx, console, os.Stdout, args)
}
