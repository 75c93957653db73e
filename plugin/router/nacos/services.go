package nacos

import (
	"context"
	"net/http"
	"slices"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"github.com/polarismesh/polaris/apiserver/nacosserver/v2/remote"

	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// serviceList answers a request for names of services: a page of those of a group.
func (h *httpHandler) serviceList(_ *http.Request, p *params) (response, error) {
	q, number, size := p.pages()
	if p.err != nil {
		return nil, p.err
	}
	names := namesOf(q, h.services(nacosmodel.ToPolarisNamespace(q.namespace)))
	return map[string]any{"count": len(names), "doms": page(names, number, size)}, nil
}

// serviceLists returns what answers requests for names of services over gRPC. The stock
// handler counts the services of all groups, and panics behind the last page.
func serviceLists(services func(namespace string) []string) *remote.RequestHandlerWarrper {
	return &remote.RequestHandlerWarrper{
		PayloadBuilder: func() nacospb.CustomerPayload { return nacospb.NewServiceListRequest() },
		Handler: func(_ context.Context, request nacospb.BaseRequest, _ nacospb.RequestMeta) (nacospb.BaseResponse, error) {
			m, ok := request.(*nacospb.ServiceListRequest)
			if !ok {
				return nil, remote.ErrorInvalidRequestBodyType
			}
			if m.PageNo < 0 || m.PageNo > maxPage || m.PageSize < 0 || m.PageSize > maxPage {
				return nil, badRequest("pageNo is %d, pageSize %d, expected whole numbers from 0 to %d", m.PageNo, m.PageSize, maxPage)
			}
			q := newQuery(m.Namespace, m.GroupName, "")
			names := namesOf(q, services(nacosmodel.ToPolarisNamespace(q.namespace)))
			return &nacospb.ServiceListResponse{Response: success(), Count: len(names), ServiceNames: page(names, m.PageNo, m.PageSize)}, nil
		},
	}
}

// runningServices returns the names of the services of a namespace of Polaris.
func runningServices(namespace string) []string {
	server := router.Running()
	if server == nil {
		return nil
	}
	_, services := server.Caches().Service().ListServices(namespace)
	out := make([]string, len(services))
	for n, s := range services {
		out[n] = s.Name
	}
	return out
}

// namesOf returns the names that the services of a namespace have in the group of a query,
// sorted.
func namesOf(q query, services []string) []string {
	out := []string{}
	for _, name := range services {
		if inNacos := queryFor(route.Service{Namespace: nacosmodel.ToPolarisNamespace(q.namespace), Name: name}); inNacos.group == q.group {
			out = append(out, inNacos.service)
		}
	}
	slices.Sort(out)
	return out
}

// page returns a page of a list. The first page has the number 1; 0 is that page, too.
func page(list []string, number, size int) []string {
	first := min(max(0, number-1)*size, len(list))
	return list[first:min(first+size, len(list))]
}
