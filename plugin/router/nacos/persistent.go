package nacos

import (
	"cmp"
	"context"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	"github.com/polarismesh/polaris/apiserver/nacosserver/v2/remote"
)

// The types of a request that registers or removes an instance.
const (
	typeRegister   = "registerInstance"
	typeDeregister = "deregisterInstance"
)

// persistentInstances returns what answers requests for persistent instances over gRPC, which
// the stock listener does not know. Such an instance has nothing to do with the connection of
// the client.
func persistentInstances(n naming) *remote.RequestHandlerWarrper {
	return &remote.RequestHandlerWarrper{
		PayloadBuilder: func() nacospb.CustomerPayload {
			request := nacospb.NewPersistentInstanceRequest()
			request.Instance = nacosmodel.Instance{Weight: nacosmodel.InstanceDefaultWeight, Healthy: true, Enabled: true}
			return request
		},
		Handler: func(ctx context.Context, request nacospb.BaseRequest, _ nacospb.RequestMeta) (nacospb.BaseResponse, error) {
			persistent, ok := request.(*nacospb.PersistentInstanceRequest)
			if !ok {
				return nil, remote.ErrorInvalidRequestBodyType
			}
			if err := servePersistent(ctx, n, persistent); err != nil {
				return nil, err
			}
			return &nacospb.InstanceResponse{Response: success(), Type: persistent.Type}, nil
		},
	}
}

func servePersistent(ctx context.Context, n naming, request *nacospb.PersistentInstanceRequest) error {
	q, i := newQuery(request.Namespace, request.GroupName, request.ServiceName), request.Instance
	i.Ephemeral = false
	i.ClusterName = cmp.Or(i.ClusterName, nacosmodel.DefaultServiceClusterName)
	if q.service == "" || i.IP == "" || i.Port < 0 || i.Port > maxPort {
		return badRequest("serviceName is %s, ip %s, port %d, expected a service, and the address of an instance",
			quoted(request.ServiceName), quoted(i.IP), i.Port)
	}
	switch request.Type {
	case typeRegister:
		return register(ctx, n, q, i)
	case typeDeregister:
		return deregister(ctx, n, q, i)
	}
	return badRequest("type is %s, expected %s or %s", quoted(request.Type), typeRegister, typeDeregister)
}

// prepare makes a request over gRPC such that the stock handlers keep what it says: weights
// that are no whole numbers, and the group of a client that names none.
func prepare(message nacospb.BaseRequest) error {
	switch m := message.(type) {
	case *nacospb.InstanceRequest:
		m.GroupName = cmp.Or(m.GroupName, nacosmodel.DefaultServiceGroup)
		return storable(&m.Instance)
	case *nacospb.BatchInstanceRequest:
		m.GroupName = cmp.Or(m.GroupName, nacosmodel.DefaultServiceGroup)
		for n, i := range m.Instances {
			if i == nil {
				return badRequest("instance %d is null, expected an object", n)
			}
			if err := storable(i); err != nil {
				return err
			}
		}
	}
	return nil
}
