package httpfiles

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/internal/test/fuzztest"
	"github.com/polaris-contrib/setrouter/plugin/location"
)

// FuzzPages reads pages of a CMDB. A host that the plugin memory would know has the place
// that the plugin would give.
func FuzzPages(f *testing.F) {
	f.Add(`{"total": 2, "size": 2, "code": 200000, "data": [{"ip": "10.1.0.0/16", "type": "mask", "region": {"name": "r"}, "zone": {"name": "z"}}, {"ip": "10.1.7.4", "type": "host", "region": {"name": "s"}}]}`)
	f.Add(`{"data": [{"ip": "::ffff:1.2.3.4", "type": "host", "region": {"name": "a\nb,\"c"}}, {"type": "backoff", "region": {"name": "#"}}, {"ip": "1.2.3.4/32", "type": "mask"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var answer page
		if json.Unmarshal([]byte(text), &answer) != nil {
			return
		}
		files, err := convert("http://h/ips", answer.Data)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		var problems strict.Problems
		var table *location.Table
		fuzztest.Bounded(t, len(text), func() { table = location.LoadMapping(files, &problems) })
		if problems.Err() != nil {
			return // as a name that no place may have
		}
		hosts := map[netip.Addr]location.Location{}
		for _, e := range answer.Data {
			if addr, err := netip.ParseAddr(e.IP); err == nil && e.Type == "host" {
				hosts[location.Normalize(addr)] = e.location()
			}
		}
		for addr, want := range hosts {
			found, ok := table.Lookup(addr)
			if want.Region == "" || !ok { // what it lacks comes from the networks around it
				continue
			}
			if got := found.Facts().Location; got.Region != want.Region {
				t.Errorf("%v is in %+v, want %+v", addr, got, want)
			}
		}
	})
}
