package caller

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// What is remembered of callers that cannot be told is bounded, in number and size, and
// is forgotten after two generations.
func TestUntoldIsBounded(t *testing.T) {
	var u Untold
	start := time.Now()
	u.Age(start)
	addr, firsts := netip.MustParseAddr("10.0.0.1"), 0
	for range 10 * maxUntold {
		if u.Count(addr, location.UntoldEmpty, []string{strings.Repeat("x", 1<<20)}) {
			firsts++
		}
		addr = addr.Next()
	}
	u.Count(netip.MustParseAddr("10.0.0.7"), location.UntoldEmpty, nil)
	list := u.Requests()
	if len(list) != maxUntold || firsts != maxUntold || fmt.Sprint(list[0].Peer, list[0].Count) != "10.0.0.7 2" || len(list[1].Said) > 2*maxSaid {
		t.Errorf("%d peers, %d first requests, %+v", len(list), firsts, list[:2])
	}
	u.Age(start.Add(generationInterval))
	if n := len(u.Requests()); n != maxUntold || !u.Count(addr, location.UntoldEmpty, nil) {
		t.Errorf("%d peers after one generation", n)
	}
	u.Age(start.Add(2 * generationInterval))
	u.Age(start.Add(3 * generationInterval))
	if n := len(u.Requests()); n != 0 {
		t.Errorf("%d peers after two generations", n)
	}
}
