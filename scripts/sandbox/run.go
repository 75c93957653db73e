package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
	"github.com/polaris-contrib/setrouter/internal/test/sandbox"
)

// Times of the lists: how often the callers are asked for theirs, and how long the first
// ones may take.
const (
	pause    = 500 * time.Millisecond
	patience = time.Minute
)

// runner is a run of a company.
type runner struct {
	company, ports, token, repository, programs string
	open                                        bool
	out                                         io.Writer
}

// run runs a company until the context ends, and leaves nothing.
func (r *runner) run(ctx context.Context) (err error) {
	ports, err := readPorts(r.ports)
	if err != nil {
		return err
	}
	if err := free(ports); err != nil {
		return err
	}
	read, ok := sandbox.Companies[r.company]
	if !ok {
		return fmt.Errorf("unknown company %q, see sandbox -h", r.company)
	}
	company, err := read(os.DirFS(r.repository))
	if err != nil {
		return err
	}
	options, err := r.options(ports)
	if err != nil {
		return err
	}
	fmt.Fprintln(r.out, "Starting a Polaris server with the SET router, and callers with the unmodified polaris-go v1.6.1 ...")
	s, err := sandbox.Start(ctx, options, company)
	if err == nil {
		err = errors.Join(r.live(ctx, s), s.Close())
	}
	if ctx.Err() == nil {
		return err
	}
	// What broke because of Ctrl-C is no fault.
	fmt.Fprintln(r.out, "\nEverything is stopped, and the folder is removed.")
	return nil
}

func (r *runner) options(ports polaristest.Ports) (sandbox.Options, error) {
	self, err := os.Executable()
	program := func(name string) string { return filepath.Join(r.programs, name) }
	return sandbox.Options{
		Programs: polaristest.Programs{Server: program("polaris-server"), Setctl: program("setctl"), Consumer: program("demo-consumer")},
		Sandbox:  self, Ports: ports, Token: r.token,
	}, err
}

// live says what there is, and then each list that changes.
func (r *runner) live(ctx context.Context, s *sandbox.Sandbox) error {
	lists, err := first(ctx, s)
	if err != nil {
		return err
	}
	r.welcome(s, lists)
	if r.open {
		if err := exec.CommandContext(ctx, "xdg-open", s.Server.AdminURL+"/").Start(); err != nil {
			fmt.Fprintln(r.out, "The page does not open:", err)
		}
	}
	for wait(ctx) {
		if code := s.Server.ExitCode(); code != -1 {
			return fmt.Errorf("the server ended with exit code %d:\n%s", code, s.Server.Output())
		}
		now, err := s.Lists()
		if err != nil {
			return err
		}
		for n, list := range now {
			if list.Text != lists[n].Text {
				fmt.Fprintf(r.out, "%s  %s (%s)  %s: %s -> %s\n", time.Now().Format(time.TimeOnly), list.Caller.Name, list.Caller.Addr, list.Service, lists[n].Text, list.Text)
			}
		}
		lists = now
	}
	return nil
}

// first waits until every caller has a list of what it asks for.
func first(ctx context.Context, s *sandbox.Sandbox) (lists []sandbox.List, err error) {
	for deadline := time.Now().Add(patience); ; {
		lists, err = s.Lists()
		if err != nil {
			return nil, err
		}
		missing := ""
		for _, list := range lists {
			if !list.OK {
				missing = fmt.Sprintf("%s has no list of %s: %s", list.Caller.Name, list.Service, list.Text)
			}
		}
		if missing == "" {
			return lists, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.New(missing)
		}
		if !wait(ctx) {
			return nil, ctx.Err()
		}
	}
}

// wait reports whether to go on, after a pause.
func wait(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

// readPorts reads the flag -ports.
func readPorts(text string) (polaristest.Ports, error) {
	var ports []int
	for word := range strings.SplitSeq(text, ",") {
		if port, err := strconv.Atoi(word); err == nil && port > 0 && port < 1<<16 {
			ports = append(ports, port)
		}
	}
	if len(ports) != 3 || strings.Count(text, ",") != 2 || ports[0] == ports[1] || ports[0] == ports[2] || ports[1] == ports[2] {
		return polaristest.Ports{}, fmt.Errorf("-ports is %q, expected three different ports, as 8090,8091,8095", text)
	}
	return polaristest.Ports{HTTP: ports[0], GRPC: ports[1], Admin: ports[2]}, nil
}

// free returns an error for each port that somebody has, with the listener that wants it.
func free(ports polaristest.Ports) error {
	var taken []error
	for _, l := range []struct {
		port int
		name string
	}{{ports.HTTP, "api-http (the console's API, and discovery over HTTP)"}, {ports.GRPC, "service-grpc (SDKs)"}, {ports.Admin, "set-admin (setctl, and the operators' page)"}} {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(l.port)))
		if err != nil {
			taken = append(taken, fmt.Errorf("port %d is taken, and is for our listener %s", l.port, l.name))
			continue
		}
		listener.Close()
	}
	if len(taken) > 0 {
		taken = append(taken, errors.New(`choose others: make sandbox SANDBOXFLAGS="-ports 18090,18091,18095"`))
	}
	return errors.Join(taken...)
}
