package eureka

import (
	"strconv"
	"time"

	"github.com/emicklei/go-restful/v3"

	"github.com/polaris-contrib/setrouter/plugin/router"
)

// serveDelta sends the stock delta where no rule is for the namespace. Elsewhere it sends
// a delta without instances and with a hashcode at which no client arrives, so that the
// client fetches all: the stock delta has what was registered in the last minute, of every
// business.
func (f *front) serveDelta(q query, req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	switch {
	case len(f.servicesByApp(q)) == 0: // as in serveList
		f.send(q, nil, "", req, rsp)
	case !f.routing.MayRouteIn(q.namespace):
		chain.ProcessFilter(req, rsp)
	case !q.caller.IsValid(): // the caller cannot be told
		refuse(rsp, router.ErrNoList)
	default:
		f.send(q, nil, unreachableHashcode(), req, rsp)
	}
}

// unreachableHashcode returns a hashcode that no client's own list has: clients
// then fetch all. It differs each time, since a client may skip a delta that is
// like the last one.
func unreachableHashcode() string {
	return "ROUTED_" + strconv.FormatInt(time.Now().UnixNano(), 10) + "_"
}
