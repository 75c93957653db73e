// Command polaris-server is the stock Polaris server with the SET router
// compiled in. Commands, flags and configuration are those of Polaris; the
// sections that this pack adds to the configuration are in the README.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"

	"github.com/polarismesh/polaris/cmd"
	"github.com/polarismesh/polaris/common/version"
	_ "go.uber.org/automaxprocs" // as the stock main: GOMAXPROCS from the cgroup

	_ "github.com/polaris-contrib/setrouter"
	"github.com/polaris-contrib/setrouter/internal/buildinfo"
)

// The version that the stock command prints, and registers for the server's own
// instances. Stock builds have it from a linker flag.
func init() {
	if version.Version == "" {
		version.Version = buildinfo.Version(buildinfo.Polaris) + "+setrouter." + buildinfo.Version(buildinfo.SetRouter)
	}
}

// The stock start command prints its error and returns, so that a failed start
// would exit with 0; where a listener cannot have its port it can also panic,
// which exits with 2. A server that ends without having been told to has failed.
func main() {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "[ERROR] %v\n%s", p, debug.Stack())
			os.Exit(1)
		}
	}()
	var told atomic.Bool
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-stop
		told.Store(true)
	}()

	cmd.Execute()

	if starting() && !told.Load() {
		os.Exit(1)
	}
}

// starting tells the start command from those that print and return at once.
func starting() bool {
	for _, arg := range os.Args[1:] {
		if arg == "start" {
			return true
		}
	}
	return false
}
