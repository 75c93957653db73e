package main

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

const nacosRouting = `
version: 1
rules:
  - {name: novel, service: default/novel*, set: {}, degrade: {holdDown: 0s}}
`

// The clients of each program by their numbers: one of each city, and as many more in
// Shanghai as the kind has.
const (
	atShanghaiClient = iota
	atShenzhenClient
)

// nacosMore is how many clients a program has beside those two.
var nacosMore = map[string]int{"go": 18}

// nacosKept has the kinds that refuse an empty list, and keep theirs.
var nacosKept = map[string]bool{"nacos-sdk-go 2.3.2": true, "nacos-sdk-python 2.0.11": true, "nacos-sdk-python 3.2.0": true, "npm nacos 2.6.3": true}

// nacosFrail has the kinds whose subscription ends with the first poll that fails.
var nacosFrail = map[string]bool{"nacos-sdk-python 1.0.0": true}

// nacosRows are the rows of the table of Nacos clients. They run in this order,
// against one server.
var nacosRows = []nacosRow{
	{"own", "A subscriber and a query: its own SET. Seconds from the subscription to the list", nacosOwn},
	{"pool", "The SET's instances are isolated: the pool", nacosPool},
	{"recovery", "They are back: its own SET again", nacosRecovery},
	{"silent", "Another SET fails and comes back: its callers are pushed to, and nobody else", nacosSilent},
	{"mapping", "The mapping gives the caller another SET: the list of that SET", nacosMapping},
	{"empty", "No instance is left: the empty list", nacosEmpty},
	{"refill", "The pool is back after that", nacosRefill},
	{"restart", "The server restarts, and 20 clients with it; then the SET fails: the pool", nacosRestart},
	{"loss", "The network loses everything for 22 s, in which the SET fails: the pool. Seconds from the end of the loss", nacosLoss},
	{"provider", "A provider registers with its SET: callers of the SET have it", nacosProvider},
	{"killed", "The provider is killed: nobody has it", nacosKilled},
	{"idle", "Connections over gRPC on which nobody says a word for 40 s: the server lives", nacosIdle},
}

// nacosRow is a row of the table. Its function returns a cell for each kind: the
// seconds, in most rows.
type nacosRow struct {
	key, says string
	test      func(t *testing.T, town *nacosTown) []string
}

// nacosTown is a server with a Nacos listener, and the programs that are its clients.
type nacosTown struct {
	t         *testing.T // of all rows: what a row starts lives on in the next one
	server    *polaristest.Server
	console   *polaristest.Console
	config    string
	relays    []*polaristest.NacosRelay // of each city
	clients   []*nacosClient
	providers []*nacosClient
	silent    time.Time // since then connections are silent
	ended     bool      // subscriptions of frail kinds may have ended
}

func startNacosTown(t *testing.T, kinds []polaristest.NacosKind) *nacosTown {
	t.Helper()
	for _, kind := range kinds {
		nacosCommand(t, kind)
	}
	config, addr := polaristest.WithNacos(polaristest.Config())
	town := &nacosTown{t: t, config: config}
	town.server, town.console = start(t, polaristest.Options{Config: config, Files: map[string]string{"conf/routing/routing.yaml": nacosRouting}})
	registerNovel(t, town.console, "novel")
	eventually(t, town.server, polaristest.Request{Source: shanghai, Service: "novel"}, groupList...)
	for _, source := range []netip.Addr{shanghai, shenzhen} {
		town.relays = append(town.relays, relayNacos(t, source, addr))
	}
	for _, kind := range kinds {
		servers := []string{town.relays[0].Addr, town.relays[1].Addr}
		for range nacosMore[kind.Language] {
			servers = append(servers, town.relays[0].Addr)
		}
		town.clients = append(town.clients, startNacos(t, kind, servers...))
	}
	return town
}

// number returns how many clients the program has.
func (c *nacosClient) number() int { return 2 + nacosMore[c.kind.Language] }

// runNacosRows runs the rows for kinds, and returns the cells of each row that was run
// and holds.
func runNacosRows(t *testing.T, kinds []polaristest.NacosKind) (cells map[string][]string) {
	t.Helper()
	town := startNacosTown(t, kinds)
	cells = map[string][]string{}
	for _, row := range nacosRows {
		ran := t.Run(row.key, func(t *testing.T) {
			cells[row.key] = row.test(t, town)
			t.Log(cells[row.key])
		})
		if !ran {
			return cells // the rows after this one begin where this one ends
		}
	}
	return cells
}

// TestClientsNacos runs the SDKs of make test.
func TestClientsNacos(t *testing.T) {
	t.Parallel()
	runNacosRows(t, slices.DeleteFunc(polaristest.NacosKinds(), func(kind polaristest.NacosKind) bool {
		return kind.Language != "go" && kind.String() != "nacos-client 2.5.1"
	}))
}
