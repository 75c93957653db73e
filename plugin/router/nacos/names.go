package nacos

import (
	"cmp"
	"strings"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// The marks between the group and the name of a service. Polaris has no `@` in names.
const (
	nacosMark   = nacosmodel.DefaultNacosGroupConnectStr
	polarisMark = nacosmodel.ReplaceNacosGroupConnectStr
)

// query is a list that a client asks for, in the words of Nacos.
type query struct {
	namespace, group, service string // the namespace and the group are never empty
	clusters                  string // as the client writes them: names with commas between; empty: every cluster
	healthyOnly               bool
}

// newQuery returns a query for every cluster of a service. A client may name a service
// `group@@name`: that group is then the one that counts. A client that names no group means
// DEFAULT_GROUP. Blanks around each are dropped.
func newQuery(namespace, group, service string) query {
	if before, after, ok := strings.Cut(service, nacosMark); ok {
		group, service = before, after
	}
	return query{
		namespace: cmp.Or(strings.TrimSpace(namespace), nacosmodel.DefaultNacosNamespace),
		group:     cmp.Or(strings.TrimSpace(group), nacosmodel.DefaultServiceGroup),
		service:   strings.TrimSpace(service),
	}
}

// queryFor returns the query by which Nacos clients ask for a service of Polaris. A service
// that Nacos clients did not make can have the mark in its name: its group is what is before
// the first mark.
func queryFor(s route.Service) query {
	q := query{namespace: nacosmodel.ToNacosNamespace(s.Namespace), group: nacosmodel.DefaultServiceGroup, service: s.Name}
	if group, name, ok := strings.Cut(s.Name, polarisMark); ok && group != "" && name != "" {
		q.group, q.service = group, name
	}
	return q
}

// polaris returns the service of Polaris that a query is for. DEFAULT_GROUP is left out of
// its name, and the namespace public is the option defaultNamespace of the listener.
func (q query) polaris() route.Service {
	name := strings.ReplaceAll(q.service, nacosMark, polarisMark)
	if q.group != nacosmodel.DefaultServiceGroup {
		name = q.group + polarisMark + name
	}
	return route.Service{Namespace: nacosmodel.ToPolarisNamespace(q.namespace), Name: name}
}

// grouped returns the service as `group@@name`.
func (q query) grouped() string { return q.group + nacosMark + q.service }
