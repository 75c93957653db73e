package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wantPlugins is what the command plugins prints, with one blank between columns and
// PACK in the place of this pack's version.
const wantPlugins = `KIND | NAME | VERSION | PACKAGE
apiserver | api-http | PACK | github.com/polaris-contrib/setrouter/plugin/router/httpapi
apiserver | config-grpc | v1.18.1 | github.com/polarismesh/polaris/apiserver/grpcserver/config
apiserver | service-eureka | PACK | github.com/polaris-contrib/setrouter/plugin/router/eureka
apiserver | service-grpc | PACK | github.com/polaris-contrib/setrouter/plugin/router/discover
apiserver | service-l5 | v1.18.1 | github.com/polarismesh/polaris/apiserver/l5pbserver
apiserver | service-nacos | PACK | github.com/polaris-contrib/setrouter/plugin/router/nacos
apiserver | set-admin | PACK | github.com/polaris-contrib/setrouter/plugin/router/admin
apiserver | xds-v3 | PACK | github.com/polaris-contrib/setrouter/plugin/router/xds
store | boltdbStore | PACK | github.com/polaris-contrib/setrouter/plugin/boltdb
store | defaultStore | v1.18.1 | github.com/polarismesh/polaris/store/mysql
proxy of naming | auth | PACK | github.com/polaris-contrib/setrouter/plugin/router
proxy of config | auth | v1.18.1 | github.com/polarismesh/polaris/config/interceptor
identity source | kubernetes | PACK | github.com/polaris-contrib/setrouter/plugin/location/kubernetes
users | defaultUser | v1.18.1 | github.com/polarismesh/polaris/auth/defaultauth
strategies | defaultStrategy | v1.18.1 | github.com/polarismesh/polaris/auth/defaultauth
cmdb | mapping | PACK | github.com/polaris-contrib/setrouter/plugin/cmdb
cmdb | memory | v1.18.1 | github.com/polarismesh/polaris/plugin/cmdb/memory
crypto | AES | v1.18.1 | github.com/polarismesh/polaris/plugin/crypto/aes
discoverEvent | discoverEventLocal | v1.18.1 | github.com/polarismesh/polaris/plugin/discoverevent/local
healthcheck | heartbeatLeader | v1.18.1 | github.com/polarismesh/polaris/plugin/healthchecker/leader
healthcheck | heartbeatMemory | v1.18.1 | github.com/polarismesh/polaris/plugin/healthchecker/memory
healthcheck | heartbeatRedis | v1.18.1 | github.com/polarismesh/polaris/plugin/healthchecker/redis
history | HistoryLogger | v1.18.1 | github.com/polarismesh/polaris/plugin/history/logger
parsePassword | localParse | v1.18.1 | github.com/polarismesh/polaris/plugin/password
ratelimit | token-bucket | v1.18.1 | github.com/polarismesh/polaris/plugin/ratelimit/token
statis | local | v1.18.1 | github.com/polarismesh/polaris/plugin/statis/logger
statis | prometheus | v1.18.1 | github.com/polarismesh/polaris/plugin/statis/prometheus
whitelist | whitelist | v1.18.1 | github.com/polarismesh/polaris/plugin/whitelist
`

// The command plugins has each plugin of registry.go, with the version of the module
// that has the plugin.
func TestPlugins(t *testing.T) {
	_, pack, _ := strings.Cut(strings.TrimSpace(runCommand(t, serverBinary, t.TempDir(), "version").stdout), "+setrouter.")
	got := runCommand(t, serverBinary, t.TempDir(), "plugins")
	got.stdout = regexp.MustCompile(` {2,}`).ReplaceAllString(got.stdout, " | ")
	got.stdout = strings.ReplaceAll(got.stdout, " | "+pack+" | ", " | PACK | ")
	if diff := cmp.Diff(ran{stdout: wantPlugins}, got, cmp.AllowUnexported(ran{})); pack == "" || diff != "" {
		t.Errorf("the version is %q; plugins (-want +got):\n%s", pack, diff)
	}
	for path := range strings.FieldsSeq(registryImports(t)) {
		if !strings.Contains(wantPlugins, " "+path+"\n") {
			t.Errorf("%s is in registry.go, and is no line of the command plugins", path)
		}
	}
}

// notListed are imports of registry.go that are no plugins: Polaris's caches, and what
// a plugin of this pack has inside.
var notListed = regexp.MustCompile(`/polaris/cache|/polaris/(apiserver/(eurekaserver|grpcserver/discover|httpserver|nacosserver|xdsserverv3)|store/boltdb)$`)

// registryImports returns the imports of registry.go that are plugins.
func registryImports(t *testing.T) string {
	var paths []string
	for _, m := range regexp.MustCompile(`(?m)^\t_ "(\S+)"`).FindAllStringSubmatch(repoFile(t, "registry.go"), -1) {
		if !notListed.MatchString(m[1]) {
			paths = append(paths, m[1])
		}
	}
	if len(paths) < 20 {
		t.Fatalf("registry.go has %d plugins", len(paths))
	}
	return strings.Join(paths, " ")
}
