package caller

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// Bounds of what is remembered of requests whose caller cannot be told: peers and
// reasons in a generation, and bytes of a header.
const (
	maxUntold = 100
	maxSaid   = 100
)

// UntoldRequests are requests from one peer whose caller cannot be told, for one reason.
type UntoldRequests struct {
	Peer  netip.Addr // invalid: the listener does not tell
	Why   location.Untold
	Said  string // the header of the last request, cut
	Count uint64
}

// Untold counts requests whose caller cannot be told. The zero value is ready for use, and
// safe for concurrent use. Peers beyond the bound are not remembered.
type Untold struct {
	mu                sync.Mutex
	began             time.Time
	current, previous map[untoldKey]*UntoldRequests
}

type untoldKey struct {
	peer netip.Addr
	why  location.Untold
}

// Count counts a request. It reports whether the request is the first from its peer, for
// its reason, for some minutes.
func (u *Untold) Count(peer netip.Addr, why location.Untold, header []string) (first bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := untoldKey{peer, why}
	requests, ok := u.current[key]
	if !ok {
		if len(u.current) >= maxUntold {
			return false
		}
		if u.current == nil {
			u.current = map[untoldKey]*UntoldRequests{}
		}
		requests = &UntoldRequests{Peer: peer, Why: why}
		u.current[key] = requests
	}
	requests.Count++
	requests.Said = Said(header)
	return !ok
}

// Said returns the lines of a header for people, cut.
func Said(header []string) string {
	said := strings.Join(header, ",")
	if len(said) > maxSaid {
		said = said[:maxSaid] + "..."
	}
	return said
}

// Age forgets what is old, as Recent.Age does.
func (u *Untold) Age(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.began) >= generationInterval {
		u.previous, u.current, u.began = u.current, nil, now
	}
}

// Requests returns the requests of the last minutes, those with the most first.
func (u *Untold) Requests() []UntoldRequests {
	u.mu.Lock()
	defer u.mu.Unlock()
	sum := map[untoldKey]UntoldRequests{}
	for _, generation := range []map[untoldKey]*UntoldRequests{u.previous, u.current} {
		for key, requests := range generation {
			total := *requests
			total.Count += sum[key].Count
			sum[key] = total
		}
	}
	out := make([]UntoldRequests, 0, len(sum))
	for _, requests := range sum {
		out = append(out, requests)
	}
	slices.SortFunc(out, func(a, b UntoldRequests) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Peer.Compare(b.Peer), cmp.Compare(a.Why, b.Why))
	})
	return out
}

// Sentence says why the caller cannot be told, and what would be right. Header is the
// one that is believed.
func (r UntoldRequests) Sentence(header string) string {
	switch r.Why {
	case location.UntoldEmpty:
		return fmt.Sprintf("%s is %q, which is empty where the address of the caller should be", header, r.Said)
	case location.UntoldUnreadable:
		return fmt.Sprintf("%s is %q, expected addresses", header, r.Said)
	case location.UntoldOther:
		return fmt.Sprintf("there is no %s, and another header that names a caller: forwardedHeader says which of them is believed", header)
	case location.UntoldDisowned:
		return fmt.Sprintf("the node id of an xDS client ends with %q, which is not the address of its connection: somebody stands between, who is none of trustedProxies", r.Said)
	case location.UntoldLocal:
		return "the PROXY header of the connection names no caller (LOCAL or UNKNOWN), as in a balancer's own health check, expected the caller's address"
	}
	return "the listener does not tell who has connected, expected POST /v1/Discover"
}
