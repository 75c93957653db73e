package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

var trpcBinary = builder("trpc-go-client", "-C", "../../scripts/clients/trpc-go", ".")

// program is a running program of scripts/clients that calls services, and serves
// calls as their instances.
type program struct {
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
	return &program{in, bufio.NewScanner(out)}
}

// do sends a command, and returns the answer: the next line in JSON. A framework
// may log on standard output, too.
func (p *program) do(t *testing.T, command map[string]any) (out served) {
	t.Helper()
	line, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	for p.out.Scan() && !bytes.HasPrefix(p.out.Bytes(), []byte("{")) {
	}
	if err := json.Unmarshal(p.out.Bytes(), &out); err != nil {
		t.Fatalf("the program answers %q: %v, %v", p.out.Bytes(), err, p.out.Err())
	}
	return out
}

// serve starts an instance in the program and returns what the instance registers.
func (p *program) serve(t *testing.T, service, host, set string) polaristest.Instance {
	t.Helper()
	answer := p.do(t, map[string]any{"serve": host})
	if answer.Error != "" {
		t.Fatal(answer.Error)
	}
	i := instance(service, host, set)
	i.Port = answer.Port
	return i
}
