// Package setrouter is the table of contents of the server: importing it for
// its side effects puts every plugin of the stock Polaris v1.18.1 server, and
// the SET router, into a binary.
//
// It stands in for the plugin.go of the Polaris repository. The one line of
// that list which is missing here, service/interceptor, is replaced by
// plugin/router: both register the proxy named "auth", the only one that the
// server's bootstrap calls, and Polaris accepts that name once. plugin/boltdb
// stands in for the stock embedded store, and has that inside.
package setrouter

import (
	_ "github.com/polarismesh/polaris/apiserver/eurekaserver"      // service-eureka
	_ "github.com/polarismesh/polaris/apiserver/grpcserver/config" // config-grpc
	_ "github.com/polarismesh/polaris/apiserver/grpcserver/discover"
	_ "github.com/polarismesh/polaris/apiserver/httpserver"  // api-http
	_ "github.com/polarismesh/polaris/apiserver/l5pbserver"  // service-l5
	_ "github.com/polarismesh/polaris/apiserver/nacosserver" // service-nacos
	_ "github.com/polarismesh/polaris/apiserver/xdsserverv3" // xds-v3
	_ "github.com/polarismesh/polaris/auth/defaultauth"      // users and strategies
	_ "github.com/polarismesh/polaris/cache"                 // the caches in memory
	_ "github.com/polarismesh/polaris/cache/auth"            //
	_ "github.com/polarismesh/polaris/cache/client"          //
	_ "github.com/polarismesh/polaris/cache/config"          //
	_ "github.com/polarismesh/polaris/cache/namespace"       //
	_ "github.com/polarismesh/polaris/cache/service"         //
	_ "github.com/polarismesh/polaris/config/interceptor"    // auth before the config center
	_ "github.com/polarismesh/polaris/plugin/cmdb/memory"    // the stock CMDB
	_ "github.com/polarismesh/polaris/plugin/crypto/aes"     //
	_ "github.com/polarismesh/polaris/plugin/discoverevent/local"
	_ "github.com/polarismesh/polaris/plugin/healthchecker/leader"
	_ "github.com/polarismesh/polaris/plugin/healthchecker/memory"
	_ "github.com/polarismesh/polaris/plugin/healthchecker/redis"
	_ "github.com/polarismesh/polaris/plugin/history/logger"
	_ "github.com/polarismesh/polaris/plugin/password"
	_ "github.com/polarismesh/polaris/plugin/ratelimit/token"
	_ "github.com/polarismesh/polaris/plugin/statis/logger"
	_ "github.com/polarismesh/polaris/plugin/statis/prometheus"
	_ "github.com/polarismesh/polaris/plugin/whitelist"
	_ "github.com/polarismesh/polaris/store/boltdb"
	_ "github.com/polarismesh/polaris/store/mysql"

	_ "github.com/polaris-contrib/setrouter/plugin/boltdb"              // store "boltdbStore": the stock one, right in every time zone
	_ "github.com/polaris-contrib/setrouter/plugin/cmdb"                // CMDB "mapping": addresses to locations, from files
	_ "github.com/polaris-contrib/setrouter/plugin/location/kubernetes" // source "kubernetes": pods by their labels
	_ "github.com/polaris-contrib/setrouter/plugin/router"              // proxy "auth": the stock auth inside, SET and nearby routing outside

	_ "github.com/polaris-contrib/setrouter/plugin/router/admin"    // API server "set-admin": what operators ask
	_ "github.com/polaris-contrib/setrouter/plugin/router/discover" // API server "service-grpc": for newer SDKs, too
	_ "github.com/polaris-contrib/setrouter/plugin/router/eureka"   // API server "service-eureka": a front before the stock one
	_ "github.com/polaris-contrib/setrouter/plugin/router/httpapi"  // API server "api-http": the stock one, which tells who asks
	_ "github.com/polaris-contrib/setrouter/plugin/router/nacos"    // API server "service-nacos": the stock handlers in a listener that knows who asks
	_ "github.com/polaris-contrib/setrouter/plugin/router/xds"      // API server "xds-v3": the roads of a rule as priorities
)
