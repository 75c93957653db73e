package eureka

import (
	"bytes"
	"strconv"
	"time"

	"github.com/emicklei/go-restful/v3"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/plugin/router"
)

// serveDelta sends the stock delta where no rule is for the namespace: it has what was
// registered in the last minute, of every business. Elsewhere it sends what changed in the
// views of the caller's address, with the hashcode of the view (docs/design.md, 6.1).
// Where this node does not know what clients at the address can have, it sends nothing, with
// a hashcode at which no client arrives: a client keeps its list until it has fetched all.
func (f *front) serveDelta(q query, req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	byApp := f.servicesByApp(q)
	switch {
	case f.isStock(q, byApp):
		f.sendStock(q, req, rsp, chain)
		return
	case len(byApp) > 0 && !q.caller.IsValid(): // the caller cannot be told
		refuse(rsp, router.ErrNoList)
		return
	}
	apps, err := f.applications(q, byApp)
	if err != nil {
		f.sendNoList(q, err, req, rsp, chain)
		return
	}
	v := f.memory.view(apps)
	before := f.memory.give(q.key(), v)
	if before == nil {
		observe.EurekaDeltas.WithLabelValues(observe.DeltaFull).Inc()
		f.send(q, answer{hashcode: unreachableHashcode()}, req, rsp)
		return
	}
	observe.EurekaDeltas.WithLabelValues(observe.DeltaChanges).Inc()
	f.send(q, answer{changes(before, v, f.comparison(q)), v.hashcode}, req, rsp)
}

// comparison returns what tells whether two records are the same to the clients that send
// a query. A record that was written anew is another one, even if it shows the same: the
// client may have had what was between the two, from another node.
func (f *front) comparison(q query) same {
	return func(app string, a, b *apiservice.Instance) bool {
		return a == b || a.GetRevision().GetValue() == b.GetRevision().GetValue() &&
			bytes.Equal(f.fragments.fragment(a, app, q.isXML, f.modified), f.fragments.fragment(b, app, q.isXML, f.modified))
	}
}

// unreachableHashcode returns a hashcode that no client's own list has: clients
// then fetch all. It differs each time, since a client may skip a delta that is
// like the last one.
func unreachableHashcode() string {
	return "ROUTED_" + strconv.FormatInt(time.Now().UnixNano(), 10) + "_"
}
