// Command grpc-go runs the unmodified grpc-go-polaris as a caller and as
// instances. It reads commands from standard input, one JSON object a line, and
// answers each with one:
//
//   - {"serve": IP} starts an instance at that address and answers its port.
//     The instance does not register itself,
//   - {"call": SERVICE, "times": N} calls a service of namespace default, and answers
//     how often each instance served the call. Further keys are "target", which is
//     dialed in the place of the service, "calleeSET", which is given as the
//     destination's metadata, and "balancer" and "key", which are given with each call.
//
// The program ends when its input ends.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/polarismesh/polaris-go/api"
	"github.com/polarismesh/polaris-go/pkg/config"
)

type command struct {
	Serve     string `json:"serve"`
	Service   string `json:"call"`
	Times     int    `json:"times"`
	CalleeSET string `json:"calleeSET"`
	Target    string `json:"target"`
	Balancer  string `json:"balancer"`
	Key       string `json:"key"`
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
	routers := flag.String("routers", "", "the SDK's chain of routers, joined by commas; empty: its default")
	flag.Parse()
	// The SDK prints on standard output, where only answers may be.
	out := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr
	p, err := newProgram(*server, *dir, *routers)
	if err != nil {
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
		_ = out.Encode(p.run(c))
	}
}

// newProgram configures the SDK: its defaults, but for the server and the folders.
func newProgram(server, dir, routers string) (*program, error) {
	if err := api.SetLoggersDir(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	conf := config.NewDefaultConfiguration([]string{server})
	conf.Consumer.LocalCache.SetPersistDir(filepath.Join(dir, "backup"))
	if routers != "" {
		conf.Consumer.ServiceRouter.SetChain(strings.Split(routers, ","))
	}
	return &program{conf: conf, conns: map[destination]conn{}}, nil
}
