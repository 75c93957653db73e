package eureka

import (
	"errors"
	"net/http"
	"strings"

	"github.com/emicklei/go-restful/v3"
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
	// The stock listener keeps a list for each namespace that it is asked for. The
	// front does not ask it about what clients make up.
	if len(byApp) > 0 && !f.routing.MayRouteIn(q.namespace) {
		chain.ProcessFilter(req, rsp)
		return
	}
	apps, err := f.applications(q, byApp)
	if err == nil {
		f.send(q, apps, hashcode(q, apps), req, rsp)
		return
	}
	if err = f.noList(err); err != nil {
		refuse(rsp, err)
		return
	}
	chain.ProcessFilter(req, rsp)
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
