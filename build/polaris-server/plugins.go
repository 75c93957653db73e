package main

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	_ "unsafe" // go:linkname

	"github.com/spf13/cobra"

	"github.com/polarismesh/polaris/apiserver"
	"github.com/polarismesh/polaris/auth"
	"github.com/polarismesh/polaris/config"
	"github.com/polarismesh/polaris/plugin"
	"github.com/polarismesh/polaris/service"
	"github.com/polarismesh/polaris/store"

	"github.com/polaris-contrib/setrouter/internal/buildinfo"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/table"
)

// Registers of Polaris that it keeps to itself. TestPlugins fails where a name of
// these is another one in a newer Polaris: then the map here is empty.
var (
	//go:linkname pluginSet github.com/polarismesh/polaris/plugin.pluginSet
	pluginSet map[string]plugin.Plugin
	//go:linkname userServers github.com/polarismesh/polaris/auth.userMgnSlots
	userServers map[string]auth.UserServer
	//go:linkname strategyServers github.com/polarismesh/polaris/auth.strategyMgnSlots
	strategyServers map[string]auth.StrategyServer
	//go:linkname namingProxies github.com/polarismesh/polaris/service.serverProxyFactories
	namingProxies map[string]service.ServerProxyFactory
	//go:linkname configProxies github.com/polarismesh/polaris/config.serverProxyFactories
	configProxies map[string]config.ServerProxyFactory
)

// compiled is a plugin that is compiled into this server.
type compiled struct{ kind, name, path string }

func newPlugins() *cobra.Command {
	const short = "print the plugins that are compiled in: kind, name, version and package"
	return &cobra.Command{Use: "plugins", Short: short, Long: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return printPlugins(c.OutOrStdout())
	}}
}

func printPlugins(out io.Writer) error {
	columns := table.New(out)
	fmt.Fprintln(columns, "KIND\tNAME\tVERSION\tPACKAGE")
	for _, p := range plugins() {
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", p.kind, p.name, buildinfo.VersionOfPackage(p.path), p.path)
	}
	return columns.Flush()
}

// plugins returns what is registered, kind by kind.
func plugins() []compiled {
	return slices.Concat(
		entriesOf("apiserver", apiserver.Slots),
		entriesOf("store", store.StoreSlots),
		entriesOf("proxy of naming", namingProxies),
		entriesOf("proxy of config", configProxies),
		entriesOf("identity source", sources.Openers()),
		entriesOf("users", userServers),
		entriesOf("strategies", strategyServers),
		ofPluginSet(),
	)
}

// entriesOf returns the entries of a register in the order of their names.
func entriesOf[T any](kind string, register map[string]T) (out []compiled) {
	for _, name := range slices.Sorted(maps.Keys(register)) {
		out = append(out, compiled{kind, name, packageOf(register[name])})
	}
	return out
}

// ofPluginSet returns the plugins of Polaris's one register for many kinds, in the
// order of their kinds.
func ofPluginSet() []compiled {
	out := entriesOf("", pluginSet)
	for i := range out {
		out[i].kind = kindOf(pluginSet[out[i].name])
	}
	slices.SortStableFunc(out, func(a, b compiled) int { return strings.Compare(a.kind, b.kind) })
	return out
}

// kindOf returns the word that the configuration has for plugins as this one.
func kindOf(p plugin.Plugin) string {
	switch p.(type) {
	case plugin.CMDB:
		return "cmdb"
	case plugin.Crypto:
		return "crypto"
	case plugin.DiscoverChannel:
		return "discoverEvent"
	case plugin.HealthChecker:
		return "healthcheck"
	case plugin.History:
		return "history"
	case plugin.ParsePassword:
		return "parsePassword"
	case plugin.Ratelimit:
		return "ratelimit"
	case plugin.Statis:
		return "statis"
	case plugin.Whitelist:
		return "whitelist"
	}
	return "other"
}

// packageOf returns the path of the package that has the type of a plugin, or the
// function that makes the plugin.
func packageOf(entry any) string {
	v := reflect.ValueOf(entry)
	if v.Kind() == reflect.Func {
		name := runtime.FuncForPC(v.Pointer()).Name() // PATH/last.init.0.func1
		slash := strings.LastIndexByte(name, '/') + 1
		last, _, _ := strings.Cut(name[slash:], ".")
		return name[:slash] + last
	}
	return reflect.Indirect(v).Type().PkgPath()
}
