package polaristest

import _ "embed"

// configTemplate is the configuration of a server with the embedded store.
//
//go:embed polaris-server.yaml.tmpl
var configTemplate string

// Config returns the configuration that servers start with, to be changed for
// Options.Config.
func Config() string { return configTemplate }
