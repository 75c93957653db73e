package nacos

import (
	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// query is a list that a client asks for, in the words of Nacos.
type query struct {
	namespace, group, service string
	clusters                  string // names with commas between; empty: every cluster
	healthyOnly               bool
}

// polaris returns the service of Polaris that a query is for.
func (q query) polaris() route.Service {
	return route.Service{Namespace: nacosmodel.ToPolarisNamespace(q.namespace), Name: nacosmodel.BuildServiceName(q.service, q.group)}
}
