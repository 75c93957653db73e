// Command polaris-server is the stock Polaris server with the SET router
// compiled in. Commands, flags and configuration are those of Polaris; the
// sections that this pack adds to the configuration are in the README.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"

	"github.com/polarismesh/polaris/bootstrap"
	"github.com/polarismesh/polaris/common/version"
	_ "go.uber.org/automaxprocs" // as the stock main: GOMAXPROCS from the cgroup

	_ "github.com/polaris-contrib/setrouter"
	"github.com/polaris-contrib/setrouter/internal/buildinfo"
	"github.com/polaris-contrib/setrouter/internal/preflight"
)

// The version that the command prints. Stock builds have it from a linker flag.
func init() {
	if version.Version == "" {
		version.Version = buildinfo.Server()
	}
}

func main() {
	if newRoot(serve).Execute() != nil {
		os.Exit(1)
	}
}

// errNotStarted is what a start ends with that has printed its reason.
var errNotStarted = errors.New("the server did not start")

// serve runs a server until it is told to end. The stock server prints on
// standard output why it does not start, and returns; where a listener cannot
// have its port it can also panic. A server that ends without having been told
// to has failed. All reasons are on standard output.
func serve(configFile string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Printf("[ERROR] %v\n%s", p, debug.Stack())
			err = errNotStarted
		}
	}()
	if err := preflight.Store(configFile); err != nil {
		fmt.Printf("[ERROR] %v\n", err)
		return errNotStarted
	}
	version.Version = buildinfo.Registered(version.Version)
	var told atomic.Bool
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-stop
		told.Store(true)
	}()

	bootstrap.Start(configFile)

	if !told.Load() {
		return errNotStarted
	}
	return nil
}
