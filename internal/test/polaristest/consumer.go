package polaristest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
)

// Consumers is a running program with the unmodified SDK. It plays several callers,
// each behind a relay with a source address of its own. It is for one goroutine.
type Consumers struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	dir    string
	relays map[string]*Relay // by caller
}

// Got is what an SDK has of a service.
type Got struct {
	Error     string `json:"error"`
	Revision  string `json:"revision"`
	Instances []struct {
		Host     string            `json:"host"`
		Port     int               `json:"port"`
		Healthy  bool              `json:"healthy"`
		Isolated bool              `json:"isolated"`
		Weight   int               `json:"weight"`
		Region   string            `json:"region"`
		Zone     string            `json:"zone"`
		Campus   string            `json:"campus"`
		Metadata map[string]string `json:"metadata"`
	} `json:"instances"`
	Picked    string         `json:"picked"`
	Times     map[string]int `json:"times"`
	ByKey     []string       `json:"byKey"`     // the host picked for each hash key
	PickError string         `json:"pickError"` // of the last pick that failed
	Events    []Event        `json:"events"`
	Location  []string       `json:"location"` // region, zone, campus
	Fastest   int64          `json:"fastest"`  // pick in milliseconds, by polaris-java
}

// Event is a change that an SDK reported, as hosts.
type Event struct {
	Added   []string `json:"added"`
	Updated []string `json:"updated"`
	Deleted []string `json:"deleted"`
}

// StartConsumers starts the program of scripts/demo/consumer, built at binary.
func StartConsumers(binary string) (*Consumers, error) {
	dir, err := os.MkdirTemp("", "setrouter-sdk-")
	if err != nil {
		return nil, err
	}
	binary, err = filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	c := &Consumers{cmd: exec.Command(binary), dir: dir, relays: map[string]*Relay{}}
	c.cmd.Dir, c.cmd.SysProcAttr = dir, DieWithParent()
	c.in, err = c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReaderSize(out, 1<<20)
	return c, c.cmd.Start()
}

// Add makes a caller with the SDK's default configuration. The server sees the
// caller at the address source.
func (c *Consumers) Add(name string, source netip.Addr, server *Server) error {
	relay, err := NewRelay(source, server.GRPCAddr)
	if err != nil {
		return err
	}
	return c.add(name, relay)
}

// AddBehind is Add for a caller at any IPv4 address, whose connections come through a
// proxy that the server trusts.
func (c *Consumers) AddBehind(proxy netip.Addr, name string, caller netip.Addr, server *Server) error {
	relay, err := NewProxy(proxy, caller, server.GRPCAddr)
	if err != nil {
		return err
	}
	return c.add(name, relay)
}

func (c *Consumers) add(name string, relay *Relay) error {
	c.relays[name] = relay
	got, err := c.Do(map[string]any{"add": name, "server": relay.Addr, "dir": filepath.Join(c.dir, name)})
	if err == nil && got.Error != "" {
		err = errors.New(got.Error)
	}
	return err
}

// Move ends a caller's connections. From then on the caller connects to another
// server, as behind a load balancer.
func (c *Consumers) Move(name string, server *Server) { c.relays[name].Turn(server.GRPCAddr) }

// Get asks a caller for its list. The SDK polls the server every 2 to 4
// seconds; between that it answers from memory.
func (c *Consumers) Get(name, namespace, service string) (Got, error) {
	return c.Do(map[string]any{"get": name, "namespace": namespace, "service": service})
}

// Pick asks a caller's load balancer many times.
func (c *Consumers) Pick(name, namespace, service string, times int) (Got, error) {
	return c.Do(map[string]any{"get": name, "namespace": namespace, "service": service, "times": times})
}

// Do sends a command of scripts/demo/consumer, and returns the answer.
func (c *Consumers) Do(command map[string]any) (Got, error) {
	line, err := json.Marshal(command)
	if err != nil {
		return Got{}, err
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		return Got{}, err
	}
	reply, err := c.out.ReadBytes('\n')
	if err != nil {
		return Got{}, fmt.Errorf("the SDK program ended: %w", err)
	}
	var got Got
	return got, json.Unmarshal(reply, &got)
}

// PID returns the program's process id.
func (c *Consumers) PID() int { return c.cmd.Process.Pid }

// Close ends the program and its relays.
func (c *Consumers) Close() error {
	errs := []error{c.in.Close()}
	if err := c.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		errs = append(errs, err)
	}
	_ = c.cmd.Wait()
	for _, r := range c.relays {
		_ = r.Close()
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}
