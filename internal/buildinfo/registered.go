package buildinfo

import (
	"regexp"
	"strings"
)

// maxRegistered is how many characters Polaris v1.18.1 takes for the version of
// an instance. A server whose own instance is refused does not start.
const maxRegistered = 32

// commit finds the commit in what Go and git describe call a version:
// v0.9.1-0.20261125235853-00ae1725ee31+dirty, v0.9.0-12-g00ae172-dirty, 00ae172.
var commit = regexp.MustCompile(`^(?:.*-g?)?([0-9a-f]{7,40})([+-]dirty)?$`)

// Registered returns a server's version as Polaris takes it for an instance. A
// version that is too long has the commit alone for the pack's version, and is
// cut where that does not fit.
func Registered(version string) string {
	if len([]rune(version)) <= maxRegistered {
		return version
	}
	polaris, pack, _ := strings.Cut(version, separator)
	if m := commit.FindStringSubmatch(pack); m != nil {
		dirty := strings.ReplaceAll(m[2], "+", "-")
		room := maxRegistered - len([]rune(polaris+separator+dirty))
		version = polaris + separator + m[1][:max(0, min(len(m[1]), room))] + dirty
	}
	return string([]rune(version)[:min(len([]rune(version)), maxRegistered)])
}
