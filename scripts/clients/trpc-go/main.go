// Command trpc-go runs the unmodified tRPC-Go with its Polaris plugin as a caller
// and as instances. It reads commands from standard input, one JSON object a line,
// and answers each with one:
//
//   - {"serve": IP} starts an instance at that address and answers its port.
//     The instance does not register itself,
//   - {"call": SERVICE, "times": N} calls a service of namespace default, and answers
//     how often each instance served the call. Further keys are "callerSET",
//     "calleeSET", "target", "balancer" and "key", for the options of tRPC-Go with
//     these names, and "through": true, by which a server of this program makes the
//     calls, inside of a request.
//
// The program ends when its input ends.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
)

type command struct {
	Serve string `json:"serve"`
	call
}

// call says which service is called, and how.
type call struct {
	Service   string `json:"call"`
	Times     int    `json:"times"`
	CallerSET string `json:"callerSET"`
	CalleeSET string `json:"calleeSET"`
	Target    string `json:"target"`
	Balancer  string `json:"balancer"`
	Key       string `json:"key"`
	Through   bool   `json:"through"`
}

// answer is what the program answers to a command.
type answer struct {
	Port   int            `json:"port,omitempty"`
	Served map[string]int `json:"served,omitempty"` // calls by the host that served them
	Failed int            `json:"failed,omitempty"`
	Error  string         `json:"error,omitempty"` // of the last call that failed, or of the command
}

func main() {
	server := flag.String("server", "", "address of Polaris, for gRPC")
	dir := flag.String("dir", ".", "folder for files of the SDK")
	set := flag.String("full-set-name", "", "global.full_set_name of the configuration")
	flag.Parse()
	out := json.NewEncoder(os.Stdout)
	if err := setup(*server, *dir, *set); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			_ = out.Encode(answer{Error: err.Error()})
			continue
		}
		_ = out.Encode(run(c))
	}
}

func run(c command) answer {
	if c.Serve == "" {
		return callMany(c.call)
	}
	listener, err := serve(c.Serve, func(context.Context, string) (string, error) { return c.Serve, nil })
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Port: listener.Addr().(*net.TCPAddr).Port}
}

// callMany calls as often as the command says.
func callMany(c call) answer {
	a := answer{Served: map[string]int{}}
	for range max(c.Times, 1) {
		host, err := callOnce(c)
		if err != nil {
			a.Failed++
			a.Error = err.Error()
			continue
		}
		a.Served[host]++
	}
	return a
}
