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

// separator stands between Polaris's version and the pack's.
const separator = "+setrouter."

// Server returns the version of a server: Polaris's, and that of this pack. It
// is as long as the build's stamp makes it.
func Server() string { return Version(Polaris) + separator + Version(SetRouter) }
