// Package buildinfo tells versions of what a program was built from.
package buildinfo

import (
	"runtime/debug"
	"strings"
)

// The modules that operators ask for.
const (
	SetRouter = "github.com/polaris-contrib/setrouter"
	Polaris   = "github.com/polarismesh/polaris"
)

// stamp is the version of this pack, by a linker flag of Makefile and
// build/image/build: what git describe says of the checkout.
var stamp string

// Version is that of a module in this program; "devel" or "unknown" where the
// build does not say.
func Version(module string) string {
	if module == SetRouter && stamp != "" {
		return stamp
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && m.Version != "" {
			return strings.Trim(m.Version, "()") // (devel)
		}
	}
	return "unknown"
}

// VersionOfPackage returns the version of the module of this program that has a
// package, as Version does; "unknown" where no module has the package.
func VersionOfPackage(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return Version(moduleOf(path, append(info.Deps, &info.Main)))
}

// moduleOf returns the path of the module with the longest path that a package's
// path begins with; empty where there is none.
func moduleOf(path string, modules []*debug.Module) (longest string) {
	for _, m := range modules {
		if len(m.Path) > len(longest) && strings.HasPrefix(path+"/", m.Path+"/") {
			longest = m.Path
		}
	}
	return longest
}

// separator stands between Polaris's version and the pack's.
const separator = "+setrouter."

// Server returns the version of a server: Polaris's, and that of this pack. It
// is as long as the build's stamp makes it.
func Server() string { return Version(Polaris) + separator + Version(SetRouter) }
