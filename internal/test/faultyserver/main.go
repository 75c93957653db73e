// Command faultyserver is a server whose routing fails on demand, for tests: in its
// identity source, which stands in for the source `kubernetes`, while there is a file
// named `fault` in the server's directory. Everything else is the product's, as far as
// the configuration of tests needs it.
package main

import (
	"iter"
	"net/netip"
	"os"
	"time"

	_ "github.com/polarismesh/polaris/apiserver/grpcserver/discover"
	_ "github.com/polarismesh/polaris/apiserver/httpserver"
	_ "github.com/polarismesh/polaris/auth/defaultauth"
	"github.com/polarismesh/polaris/bootstrap"
	_ "github.com/polarismesh/polaris/cache"
	_ "github.com/polarismesh/polaris/cache/auth"
	_ "github.com/polarismesh/polaris/cache/client"
	_ "github.com/polarismesh/polaris/cache/config"
	_ "github.com/polarismesh/polaris/cache/namespace"
	_ "github.com/polarismesh/polaris/cache/service"
	_ "github.com/polarismesh/polaris/config/interceptor"
	_ "github.com/polarismesh/polaris/plugin/healthchecker/memory"
	_ "github.com/polarismesh/polaris/plugin/history/logger"
	_ "github.com/polarismesh/polaris/plugin/password"
	_ "github.com/polarismesh/polaris/plugin/ratelimit/token"
	_ "github.com/polarismesh/polaris/plugin/statis/prometheus"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/sources"
	_ "github.com/polaris-contrib/setrouter/plugin/boltdb"
	_ "github.com/polaris-contrib/setrouter/plugin/cmdb"
	"github.com/polaris-contrib/setrouter/plugin/location"
	_ "github.com/polaris-contrib/setrouter/plugin/router"
	_ "github.com/polaris-contrib/setrouter/plugin/router/admin"
	_ "github.com/polaris-contrib/setrouter/plugin/router/discover"
	_ "github.com/polaris-contrib/setrouter/plugin/router/httpapi"
	_ "github.com/polaris-contrib/setrouter/plugin/router/nacos"
	_ "github.com/polaris-contrib/setrouter/plugin/router/xds"
)

func main() {
	sources.Register(location.SourceKubernetes, func(*serverconfig.Config) (sources.Source, error) { return source{}, nil })
	bootstrap.Start(os.Args[len(os.Args)-1]) // start -c FILE
}

// source knows no address, and has a bug while the file is there.
type source struct{}

func (source) Facts(netip.Addr) (location.Found, bool) {
	if _, err := os.Stat("fault"); err == nil {
		panic("the file fault is there")
	}
	return location.Found{}, false
}

func (source) Generation() uint64 { return 1 }

func (source) All() iter.Seq2[netip.Addr, *location.Facts] {
	return func(func(netip.Addr, *location.Facts) bool) {}
}

func (source) Status(time.Time) sources.Status { return sources.Status{} }
