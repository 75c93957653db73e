package eureka

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// query is a request whose answer may have instances.
type query struct {
	caller    netip.Addr
	namespace string
	path      string
}

// queryKey is the key of the query in the context of a request.
type queryKey struct{}

func (f *front) newQuery(r *http.Request) query {
	q := query{caller: f.filter.routing.CallerOf(r), namespace: r.Header.Get(eurekaserver.HeaderNamespace), path: r.URL.Path}
	if q.namespace == "" {
		q.namespace = f.defaultNamespace
	}
	return q
}

// lastTwo returns the last two elements of the path: a collection, and a name in
// the collection. The stock listener ignores a slash at the end of a path.
func (q query) lastTwo() (collection, name string) {
	elements := strings.Split(strings.Trim(q.path, "/"), "/")
	if len(elements) < 2 {
		return "", ""
	}
	return elements[len(elements)-2], elements[len(elements)-1]
}

// isDelta reports whether the query asks for a delta, or for an application that
// is named DELTA: the answer shows which.
func (q query) isDelta() bool {
	collection, name := q.lastTwo()
	return collection == "apps" && name == "delta"
}

// asksFor reports whether an instance that the stock answer lacks belongs into
// the answer. For a query by VIP address the stock listener puts the address into
// upper case, and compares it with what is registered.
func (q query) asksFor(i *eurekaserver.InstanceInfo) bool {
	collection, name := q.lastTwo()
	registered := i.VipAddress
	switch collection {
	case "vips":
	case "svips":
		registered = i.SecureVipAddress
	default:
		return true
	}
	for address := range strings.SplitSeq(registered, ",") {
		if address == strings.ToUpper(name) {
			return true
		}
	}
	return false
}

// reportFault counts and logs a fault in filtering. The stock answer is sent.
func (q query) reportFault(err error) {
	observe.Failures.Inc()
	observe.Log.Error("[SetRouter] routing of a Eureka answer failed", zap.String("path", q.path),
		zap.String("namespace", q.namespace), zap.Stringer("caller", q.caller), zap.Error(fmt.Errorf("the stock answer is sent: %w", err)))
}
