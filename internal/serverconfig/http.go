package serverconfig

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// HTTP says how the mapping is fetched over HTTP. The zero value fetches nothing.
type HTTP struct {
	Files        []string // addresses of YAML and CSV files
	CMDB         string   // the address that is asked in pages, as Polaris's CMDB plugin memory asks; empty: none
	Token        string
	TokenFile    string // in the place of Token: read at each fetch
	CAFile       string // certificates in PEM; empty: those of the system
	Interval     time.Duration
	StartWithout bool // start although nothing can be fetched, and no copy is on disk
}

// Used reports whether something is fetched.
func (h HTTP) Used() bool { return len(h.Files) > 0 || h.CMDB != "" }

// Names returns the addresses for people.
func (h HTTP) Names() (names []string) {
	for _, address := range h.Files {
		names = append(names, AddressName(address))
	}
	if h.CMDB != "" {
		names = append(names, AddressName(h.CMDB))
	}
	return names
}

// How often is fetched.
const (
	defaultInterval  = 30 * time.Second
	shortestInterval = time.Second
	longestInterval  = 24 * time.Hour
)

// IsHTTP reports whether the name of a file is an address.
func IsHTTP(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://")
}

// AddressName returns an address as it is shown: without its query, which can have a secret.
func AddressName(address string) string {
	address, fragment, ok := strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	if ok {
		address += "#" + fragment
	}
	return address
}

// checkAddress returns what is wrong with an address. The error does not quote it: it can
// have a password.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || !IsHTTP(address):
		return errors.New("the address cannot be read, expected as https://cmdb.example.com/mapping.csv")
	case u.User != nil:
		return errors.New("the address has a user or a password, expected token or tokenFile beside it")
	}
	return nil
}

// readMappingNames reads the list `files` of the mapping: globs, names in the config
// center, and addresses.
func (c *Config) readMappingNames(n strict.Node) {
	var shown []string
	for i, name := range texts(n) {
		item := n.OneOrItems()[i]
		if !IsHTTP(name) {
			checkSourceName(item, name)
			c.MappingFiles = append(c.MappingFiles, name)
			continue
		}
		if err := checkAddress(name); err != nil {
			item.Errorf("%v", err)
			continue
		}
		if slices.Contains(shown, AddressName(name)) {
			item.Errorf("%s is given twice, expected addresses that differ in more than the query", AddressName(name))
		}
		shown = append(shown, AddressName(name))
		c.MappingHTTP.Files = append(c.MappingHTTP.Files, name)
	}
}

// httpKeys returns the keys of the option of the mapping that say how to fetch.
func (h *HTTP) httpKeys() []strict.Key {
	h.Interval = defaultInterval
	return []strict.Key{
		strict.Optional("url", "The address of a CMDB that is asked in pages, as Polaris's own plugin `memory` asks it. An empty text is none.",
			func(n strict.Node) {
				h.CMDB = n.TextOr()
				if h.CMDB == "" {
					return // as the plugin memory has it by default
				}
				if err := checkAddress(h.CMDB); err != nil {
					n.Errorf("%v", err)
				}
			}),
		strict.Optional("token", "What is sent with each fetch, as `Authorization`. Beside it, there is no `tokenFile`.",
			func(n strict.Node) { h.Token = n.Secret() }), // 0123 is one, too
		strict.Optional("tokenFile", "A file with the token. It is read at each fetch.", strict.Text(&h.TokenFile)),
		strict.Optional("caFile", "A file with the certificates, in PEM, that a server of the mapping is checked against. Without it those of the system count.",
			strict.Text(&h.CAFile)),
		strict.Optional("interval", "How often addresses are fetched.", func(n strict.Node) { h.Interval = readInterval(n) }),
		strict.Optional("startWithout", "Whether the server starts although nothing can be fetched and no copy is on disk.",
			strict.Bool(&h.StartWithout)),
	}
}

// readInterval reads how often to fetch.
func readInterval(n strict.Node) time.Duration {
	text, ok := n.Text()
	if !ok {
		return defaultInterval
	}
	n.Bounds("time", shortestInterval, longestInterval)
	n.Default(defaultInterval)
	d, err := time.ParseDuration(text)
	if err != nil || d < shortestInterval || d > longestInterval {
		n.Errorf("found %q, expected a time from 1s to 24h, as 30s or 5m", text)
		return defaultInterval
	}
	return d
}

// checkHTTP adds a fault for keys that contradict each other, or that have no effect.
func (h *HTTP) checkHTTP(values strict.Values) {
	if values.Has("token") && values.Has("tokenFile") {
		values["tokenFile"].Errorf("token and tokenFile are both given, expected one of them")
	}
	if h.Used() {
		return
	}
	for _, key := range []string{"tokenFile", "caFile", "startWithout"} {
		if values.Has(key) {
			values[key].Errorf("%s has no effect: neither files nor url name an address, expected https://... in files", key)
		}
	}
}
