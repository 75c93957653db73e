package polaristest

import _ "embed"

// configTemplate is the configuration of a server with the embedded store.
//
//go:embed polaris-server.yaml.tmpl
var configTemplate string
