package xds

import (
	"strings"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"

	"github.com/polaris-contrib/setrouter/plugin/router/view"
)

// isGRPC reports whether a node is a gRPC client without a proxy. All of gRPC's languages
// name themselves so: "gRPC Go", "gRPC Java", "gRPC C-core".
func isGRPC(node *core.Node) bool { return strings.HasPrefix(node.GetUserAgentName(), "gRPC") }

// stockList returns the assignment of a name for gRPC clients, where the stock list stands:
// all instances in one priority. The stock listener's own assignment is empty to gRPC, which
// ignores places without a weight.
func (m *moment) stockList(name string) state {
	service, ok := calledService(name)
	build := func(list []*apiservice.Instance) (*resource, error) {
		return newResource(newAssignment(name, []view.Priority{{Instances: list}}, 0))
	}
	var made *resource
	var err error
	switch found := m.catalog.service(service); {
	case found != nil:
		made, err = m.made.make(assignmentKey{name, "stock " + found.info.SvcInsRevision}, func() (*resource, error) {
			return build(found.info.Instances)
		})
	case ok && m.routing.exists(service):
		made, err = build(sorted(m.routing.stockInstances(service)))
	default:
		made, err = build(nil)
	}
	if err != nil {
		logRegistry(err)
	}
	return state{resource: made, keep: err != nil}
}
