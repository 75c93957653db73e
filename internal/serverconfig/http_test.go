package serverconfig

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What of the mapping is fetched over HTTP (docs/design.md, 3).
func TestHTTP(t *testing.T) {
	for option, want := range map[string]HTTP{
		"files: m.yaml": {Interval: 30 * time.Second},
		`files: [m.yaml, "https://h/a.csv?key=secret", "http://h:80/b"], interval: 5m, tokenFile: t, caFile: c, startWithout: true`: {
			Files: []string{"https://h/a.csv?key=secret", "http://h:80/b"}, TokenFile: "t", CAFile: "c", Interval: 5 * time.Minute, StartWithout: true,
		},
		// as the plugin memory has it: its name is all that changes
		`url: "http://h/ips", token: abc, interval: 60s`: {CMDB: "http://h/ips", Token: "abc", Interval: time.Minute},
		`url: "http://h/ips", token: 0123`:               {CMDB: "http://h/ips", Token: "0123", Interval: 30 * time.Second},
		`url: "", interval: 60s, files: m.yaml`:          {Interval: time.Minute},
	} {
		c, fault := load(t, "plugin: {cmdb: {name: mapping, option: {"+option+"}}}")
		if fault != "" {
			t.Errorf("%s: %s", option, fault)
			continue
		}
		if diff := cmp.Diff(want, c.MappingHTTP); diff != "" {
			t.Errorf("%s (-want +got):\n%s", option, diff)
		}
		if text := c.String(); strings.Contains(text, "secret") || strings.Contains(text, "abc") || strings.Contains(text, "over HTTP") != c.MappingHTTP.Used() {
			t.Errorf("%s: %s", option, text)
		}
	}
}

// No message quotes a password, a query or a token.
func TestHTTPRefuses(t *testing.T) {
	for option, want := range map[string]string{
		`files: "https://u:secret@h/a.csv"`:                       `1:48: the address has a user or a password, expected token or tokenFile beside it`,
		`url: "http://u:secret@h"`:                                `1:46: the address has a user or a password, expected token or tokenFile beside it`,
		`files: "https://"`:                                       `1:48: the address cannot be read, expected as https://cmdb.example.com/mapping.csv`,
		`url: "cmdb/ips?secret"`:                                  `1:46: the address cannot be read, expected as https://cmdb.example.com/mapping.csv`,
		`files: ["https://h/a?secret=1", "https://h/a?secret=2"]`: `1:73: https://h/a is given twice, expected addresses that differ in more than the query`,
		`files: "https://h/a", token: secret, tokenFile: t`:       `1:89: token and tokenFile are both given, expected one of them`,
		`files: m.yaml, caFile: c`:                                `1:64: caFile has no effect: neither files nor url name an address, expected https://... in files`,
		`files: "https://h/a", interval: 30`:                      `1:73: found "30", expected a text; put it in quotes: "30"`,
		`files: "https://h/a", interval: 1ms`:                     `1:73: found "1ms", expected a time from 1s to 24h, as 30s or 5m`,
		`url: ""`:                                                 `1:16: the CMDB "mapping" has no files, expected option: {files: [conf/mapping/*.yaml]}`,
	} {
		_, fault := load(t, "plugin: {cmdb: {name: mapping, option: {"+option+"}}}")
		if got := strings.TrimPrefix(fault, "s.yaml:"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", option, got, want)
		}
	}
}
