package polaristest

import (
	_ "embed"
	"strings"
)

// configTemplate is the configuration of a server with the embedded store.
//
//go:embed polaris-server.yaml.tmpl
var configTemplate string

// Config returns the configuration that servers start with, to be changed for
// Options.Config.
func Config() string { return configTemplate }

// Unguarded returns a configuration in which the shrink guard refuses no share, for
// files that are drawn by chance.
func Unguarded(config string) string {
	return strings.Replace(config, "option: {files: [conf/mapping/", "option: {shrinkGuardPercent: 100, files: [conf/mapping/", 1)
}
