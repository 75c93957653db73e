package eureka

import (
	"errors"
	"net/http"
	"strings"

	"github.com/emicklei/go-restful/v3"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"

	"github.com/polaris-contrib/setrouter/plugin/router"
)

// maxBody is how many bytes the body of a request may have. A registration has some
// 1,000, and a peer sends some 250 of them at once.
const maxBody = 16 << 20

// serve answers a request of a route below root. It runs the stock route where the
// answer has no instances, and where no rule is for the namespace.
func (f *front) serve(root string, req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	if req.Request.Method != http.MethodGet {
		req.Request.Body = http.MaxBytesReader(rsp, req.Request.Body, maxBody)
		if isReplication(req) {
			if err := checkReplication(req); err != nil {
				http.Error(rsp, err.Error(), http.StatusBadRequest)
				return
			}
		}
		chain.ProcessFilter(req, rsp)
		return
	}
	q := f.newQuery(resource(strings.TrimPrefix(req.SelectedRoutePath(), root)), req)
	switch q.resource {
	case resourceDelta:
		f.serveDelta(q, req, rsp, chain)
	case resourceApps, resourceApp, resourceAppInstance, resourceInstance, resourceVIP, resourceSVIP:
		f.serveList(q, req, rsp, chain)
	default: // no route of this version of Polaris: its answer may have instances
		notFound(req, rsp)
	}
}

// serveList sends lists of instances. The stock listener's lists are some seconds old: an
// instance in them can have changed its SET since, or be gone. So they go out only where
// no rule is for the namespace.
func (f *front) serveList(q query, req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	byApp := f.servicesByApp(q)
	if f.isStock(q, byApp) {
		f.sendStock(q, req, rsp, chain)
		return
	}
	apps, err := f.applications(q, byApp)
	switch {
	case err == nil && q.resource == resourceApps:
		v := f.memory.view(apps)
		f.memory.give(q.key(), v)
		f.send(q, answer{v.blocks(), v.hashcode}, req, rsp)
	case err == nil:
		blocks := shown(q, apps)
		if len(blocks) == 0 {
			blocks = f.ownInstance(q, byApp)
		}
		f.send(q, answer{blocks, hashcode(instancesOf(blocks))}, req, rsp)
	default:
		f.sendNoList(q, err, req, rsp, chain)
	}
}

// isStock reports whether the stock listener answers a query. The stock listener keeps a
// list for each namespace that it is asked for: the front does not ask it about what
// clients make up.
func (f *front) isStock(q query, byApp map[string][]*model.Service) bool {
	return len(byApp) > 0 && !f.routing.MayRouteIn(q.namespace)
}

// sendStock sends the stock answer. What the client had from the front is nothing that a
// delta could begin with.
func (f *front) sendStock(q query, req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	f.memory.forget(q.key())
	chain.ProcessFilter(req, rsp)
}

// sendNoList answers a caller whose list could not be made: without a list, or with the
// stock answer.
func (f *front) sendNoList(q query, err error, req *restful.Request, rsp *restful.Response, chain *restful.FilterChain) {
	if err = f.noList(err); err != nil {
		refuse(rsp, err)
		return
	}
	f.sendStock(q, req, rsp, chain)
}

// noList returns the error for a caller that gets no list for a fault, and nil where
// the caller gets the stock answer.
func (f *front) noList(err error) error {
	if errors.Is(err, router.ErrNoList) {
		return err
	}
	return f.routing.Fault("a Eureka answer", err)
}

// refuse gives no list: clients keep the list that they have.
func refuse(rsp *restful.Response, err error) {
	http.Error(rsp, err.Error(), http.StatusServiceUnavailable)
}

// notFound answers as the stock listener does for what it does not have.
func notFound(req *restful.Request, rsp *restful.Response) {
	req.SetAttribute(utils.PolarisCode, uint32(apimodel.Code_NotFoundResource))
	rsp.AddHeader(restful.HEADER_ContentType, restful.MIME_XML)
	rsp.WriteHeader(http.StatusNotFound)
}
