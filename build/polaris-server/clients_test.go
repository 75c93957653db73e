package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var trpcBinary = builder("trpc-go-client", "-C", "../../scripts/clients/trpc-go", ".")

// program is a running program of scripts/clients that calls services, and serves
// calls as their instances.
type program struct {
	mu  sync.Mutex // one command at a time
	in  io.Writer
	out *bufio.Scanner
}

// served is what a program answers.
type served struct {
	Port   int            `json:"port"`
	Served map[string]int `json:"served"` // calls by the host that served them
	Failed int            `json:"failed"`
	Error  string         `json:"error"` // of the last call that failed
}

// hosts returns who served, sorted.
func (s served) hosts() []string { return slices.Sorted(maps.Keys(s.Served)) }

// startClient starts a program whose caller the server sees at an address. The
// program ends with the test.
func startClient(t *testing.T, binary func() (string, error), s *polaristest.Server, source netip.Addr, args ...string) *program {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	relay, err := polaristest.NewRelay(source, s.GRPCAddr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	in, out := startProgram(t, path, append([]string{"-server", relay.Addr, "-dir", t.TempDir()}, args...)...)
	return &program{in: in, out: bufio.NewScanner(out)}
}

// do sends a command, and returns the answer.
func (p *program) do(t *testing.T, command map[string]any) served {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	line, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	return p.answer(t)
}

// answer returns the next answer: the next line in JSON. A framework may log on
// standard output, too.
func (p *program) answer(t *testing.T) (out served) {
	t.Helper()
	for p.out.Scan() && !bytes.HasPrefix(p.out.Bytes(), []byte("{")) {
	}
	if err := json.Unmarshal(p.out.Bytes(), &out); err != nil {
		t.Fatalf("the program answers %q: %v, %v", p.out.Bytes(), err, p.out.Err())
	}
	return out
}

// serve starts an instance in the program and returns what the instance registers:
// its SET as frameworks do, with the switch of the SDKs' set routers.
func (p *program) serve(t *testing.T, service, host, set string) polaristest.Instance {
	t.Helper()
	answer := p.do(t, map[string]any{"serve": host})
	if answer.Error != "" {
		t.Fatal(answer.Error)
	}
	i := instance(service, host, set)
	i.Port, i.Metadata["internal-enable-set"] = answer.Port, "Y"
	return i
}

// command is what a program is asked for: a service, and options by pairs of name
// and value.
func command(service string, options ...string) map[string]any {
	c := map[string]any{"call": service, "times": clientCalls}
	for i := 0; i < len(options); i += 2 {
		c[options[i]] = options[i+1]
	}
	return c
}

// clientCalls is how often a program calls at a command: by chance, one of four
// instances is left out once in ten million commands.
const clientCalls = 60

// reaches waits until all calls of a command are served, by these hosts.
func (p *program) reaches(t *testing.T, command map[string]any, hosts ...string) {
	t.Helper()
	wait(t, func() error {
		if got := p.do(t, command); got.Failed > 0 || !slices.Equal(got.hosts(), hosts) {
			return errorf("%v: %+v, want %v", command, got, hosts)
		}
		return nil
	})
}

// fails waits until no call of a command is served.
func (p *program) fails(t *testing.T, command map[string]any) {
	t.Helper()
	wait(t, func() error {
		if got := p.do(t, command); len(got.Served) > 0 || got.Failed == 0 {
			return errorf("%v: %+v, want no call served", command, got)
		}
		return nil
	})
}

// clientRow is a row of a table for one framework.
type clientRow struct {
	key  string // in the name of the test
	says string
	test func(*testing.T, *clients)
}

// runRows runs the rows, and compares them with the framework's
// table in docs/compatibility.md if all ran and hold.
func runRows(t *testing.T, c *clients, framework string, rows []clientRow) {
	t.Helper()
	var ran atomic.Int32
	t.Run("row", func(t *testing.T) {
		for _, row := range rows {
			t.Run(row.key, func(t *testing.T) {
				if c.apart {
					t.Parallel()
				}
				row.test(t, c)
				ran.Add(1)
			})
		}
	})
	if t.Failed() || int(ran.Load()) != len(rows) {
		t.Log("not all rows were run and hold: the table stays as it is")
		return
	}
	table := "| " + framework + " | |\n|---|---|\n"
	for _, row := range rows {
		table += "| " + row.says + " | `" + row.key + "` |\n"
	}
	compareTable(t, "<!-- by go test ./build/polaris-server -run "+t.Name()+" -update -->\n", table)
}

// serviceRow is a row of a table for one client. The row has a service of its own.
type serviceRow[C any] struct {
	key  string // in the name of the test
	says string
	test func(t *testing.T, client C, service string)
}

// runServiceRows runs the rows one after the other, and compares them with the client's
// table in docs/ if all ran and hold.
func runServiceRows[C any](t *testing.T, client C, title string, rows []serviceRow[C]) {
	t.Helper()
	ran, table := 0, "| "+title+" | |\n|---|---|\n"
	for _, row := range rows {
		table += "| " + row.says + " | `" + row.key + "` |\n"
		t.Run(row.key, func(t *testing.T) {
			ran++
			row.test(t, client, "novel-"+row.key)
		})
	}
	if t.Failed() || ran != len(rows) {
		t.Log("not all rows were run and hold: the table stays as it is")
		return
	}
	compareTable(t, "<!-- by go test ./build/polaris-server -run "+t.Name()+" -update -->\n", table)
}

// address returns where an instance serves.
func address(i polaristest.Instance) string { return net.JoinHostPort(i.Host, strconv.Itoa(i.Port)) }
