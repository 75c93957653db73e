package eureka

import (
	"cmp"
	"mime"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
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

// acceptsJSON reports whether a client wants JSON. A client that names XML, too, gets lists
// as JSON, as from the stock listener, and one application or instance as what it names
// first. There the stock listener compares the whole header, and sends XML to Spring.
func acceptsJSON(r resource, header http.Header) bool {
	for kind := range strings.SplitSeq(header.Get(restful.HEADER_Accept), ",") {
		mediaType, parameters, err := mime.ParseMediaType(kind)
		switch {
		case err != nil || isUnwanted(parameters["q"]):
		case mediaType == restful.MIME_JSON || mediaType == eurekaserver.MimeJsonWild:
			return true
		case (mediaType == restful.MIME_XML || mediaType == "text/xml") && r.isForOne():
			return false
		}
	}
	return false
}

// isUnwanted reports whether a weight of Accept says that a kind is not wanted.
func isUnwanted(q string) bool {
	weight, err := strconv.ParseFloat(q, 64)
	return err == nil && weight == 0
}

// isForOne reports whether the resource is one application or instance.
func (r resource) isForOne() bool {
	return r == resourceApp || r == resourceAppInstance || r == resourceInstance
}

// key is what a memory knows the caller by.
func (q query) key() addressKey { return addressKey{q.caller, q.namespace} }

// syntax returns the form of the answer.
func (q query) syntax() *syntax {
	if q.isXML {
		return &xmlSyntax
	}
	return &jsonSyntax
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
