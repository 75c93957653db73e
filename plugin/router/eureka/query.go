package eureka

import (
	"cmp"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/emicklei/go-restful/v3"
	"github.com/polarismesh/polaris/apiserver/eurekaserver"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
)

// resource is what a request asks for: the path of a stock route whose answer has
// instances, without the part that says the version of the protocol.
type resource string

const (
	resourceApps        resource = "/apps"
	resourceDelta       resource = "/apps/delta"
	resourceApp                  = resource("/apps/{" + eurekaserver.ParamAppId + "}")
	resourceAppInstance          = resource("/apps/{" + eurekaserver.ParamAppId + "}/{" + eurekaserver.ParamInstId + "}")
	resourceInstance             = resource("/instances/{" + eurekaserver.ParamInstId + "}")
	resourceVIP                  = resource("/vips/{" + eurekaserver.ParamVip + "}")
	resourceSVIP                 = resource("/svips/{" + eurekaserver.ParamSVip + "}")
)

// query is a request whose answer has instances.
type query struct {
	caller    netip.Addr
	namespace string
	resource  resource
	app       string // the name of the one application, in upper case
	instance  string // the Eureka id of the one instance
	vip       string // in upper case, as the stock listener compares it
	isXML     bool
}

func (f *front) newQuery(r resource, req *restful.Request) query {
	return query{
		caller: f.routing.CallerOf(req.Request), namespace: cmp.Or(req.HeaderParameter(eurekaserver.HeaderNamespace), f.defaultNamespace), resource: r,
		app: strings.ToUpper(req.PathParameter(eurekaserver.ParamAppId)), instance: req.PathParameter(eurekaserver.ParamInstId),
		vip:   strings.ToUpper(cmp.Or(req.PathParameter(eurekaserver.ParamVip), req.PathParameter(eurekaserver.ParamSVip))),
		isXML: !acceptsJSON(r, req.Request.Header),
	}
}

// acceptsJSON reports whether the stock listener answers in JSON. For one application
// or instance it compares the whole header.
func acceptsJSON(r resource, header http.Header) bool {
	accept := header.Get(restful.HEADER_Accept)
	switch r {
	case resourceApp, resourceAppInstance, resourceInstance:
		return accept == restful.MIME_JSON
	}
	for kind := range strings.SplitSeq(accept, ",") {
		if kind = strings.TrimSpace(kind); kind == restful.MIME_JSON || kind == eurekaserver.MimeJsonWild {
			return true
		}
	}
	return false
}

// asksFor reports whether the query asks for an instance of an application.
func (q query) asksFor(i *apiservice.Instance, app string) bool {
	switch q.resource {
	case resourceAppInstance, resourceInstance:
		return eurekaID(i) == q.instance
	case resourceVIP:
		return slices.Contains(strings.Split(vipAddress(i, app), ","), q.vip)
	case resourceSVIP:
		return slices.Contains(strings.Split(i.GetMetadata()[eurekaserver.MetadataSecureVipAddress], ","), q.vip)
	}
	return true
}

// isForOne reports whether the query names one application or instance.
func (q query) isForOne() bool { return q.app != "" || q.instance != "" }
