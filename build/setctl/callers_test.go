package main

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// The list of callers has who asked, who cannot be told, whose header is not read, and
// which names nobody asks for.
func TestCallersText(t *testing.T) {
	now := time.Unix(1_800_000_000, 0).UTC()
	ago := func(seconds int) time.Time { return now.Add(-time.Duration(seconds) * time.Second) }
	last := ago(86400)
	caller := func(text string, seconds int, requests uint64) api.CallerAddress {
		return api.CallerAddress{Address: netip.MustParseAddr(text), Last: ago(seconds), Requests: requests}
	}
	whole := api.CallerList{
		Now: now, Since: ago(7200), RememberSeconds: 900, Complete: true, More: 1, MoreQuiet: 2,
		Kinds: []api.CallerKind{
			{Service: "default/order", Rule: "order", Kind: "shop.order.sh in east/shanghai", State: "first", Callers: 3, Last: ago(1), Addresses: []api.CallerAddress{caller("10.1.0.1", 1, 300), caller("10.1.0.2", 2, 1)}},
			{Service: "default/order", Rule: "order", Kind: "shop.order.sz in \x1b", Callers: 1, Last: ago(400), Addresses: []api.CallerAddress{caller("10.2.0.1", 400, 9)}},
			{Service: "default/plain", State: "stock", Callers: 1, Last: ago(3), Addresses: []api.CallerAddress{caller("10.2.0.1", 3, 9)}},
		},
		Untold:    []explain.Untold{{Peer: "10.9.0.1", Why: "x-forwarded-for is \"\", which is empty", Requests: 3}},
		Forwarded: []api.Forwarded{{Peer: "10.9.0.2", Requests: 4}},
		Quiet:     []api.QuietName{{Name: "default/order.old", What: api.NameAddress, Target: "default/order"}, {Name: "default/legacy", What: api.NameService, LastAsked: &last}},
	}
	for _, tt := range []struct {
		name, service string
		list          api.CallerList
		want          string
	}{
		{"whole", "", whole, `callers of the last 15m0s

default/order
  shop.order.sh in east/shanghai  3 callers     rule order  first         last 1s ago
    10.1.0.1                      300 requests                            last 1s ago
    10.1.0.2                      1 request                               last 2s ago
    and 1 more
  "shop.order.sz in \x1b"         1 caller      rule order  asks no more  last 6m40s ago
    10.2.0.1                      9 requests                              last 6m40s ago

default/plain
  the stock answer  1 caller    no rule  stock  last 3s ago
    10.2.0.1        9 requests                  last 3s ago

and 1 kind more: --service or --limit

callers that cannot be told: these requests lately got no list of a routed service
  3  by 10.9.0.1  x-forwarded-for is "", which is empty

a header of proxies that is not read: these peers are not in trustedProxies, and count as the callers themselves
  10.9.0.2  4 requests

nobody asks for
  default/order.old  lane address  for default/order  never since 2027-01-15T06:00:00Z, when the youngest node started
  default/legacy     service                          last 24h0m0s ago
  and 2 more: --limit
`},
		{"a young node that is alone", "", api.CallerList{Now: now, Since: ago(30), RememberSeconds: 900, Notes: []string{"of this node alone: no token"}}, `callers of the last 30s
of this node alone: no token
there are more callers than the nodes remember

nobody asked

nobody asks for: no name
`},
		{"of a service", "default/order", api.CallerList{Now: now, Since: ago(3000), RememberSeconds: 900, Complete: true}, "callers of the last 15m0s\n\nnobody asked\n"},
	} {
		var out strings.Builder
		callersText(&out, tt.list, tt.service)
		got := regexp.MustCompile(`(?m) +$`).ReplaceAllString(out.String(), "")
		if got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}
