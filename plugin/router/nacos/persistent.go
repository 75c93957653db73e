package nacos

import (
	"cmp"
	"context"
	"errors"
	"net/http"

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
		return invalid(badRequest("serviceName is %s, ip %s, port %d, expected a service, and the address of an instance",
			quoted(request.ServiceName), quoted(i.IP), i.Port))
	}
	switch request.Type {
	case typeRegister:
		return invalid(register(ctx, n, q, i))
	case typeDeregister:
		return invalid(deregister(ctx, n, q, i))
	}
	return invalid(badRequest("type is %s, expected %s or %s", quoted(request.Type), typeRegister, typeDeregister))
}

// prepare makes a request over gRPC such that the stock handlers keep what it says: weights
// that are no whole numbers, and the group of a client that names none.
func prepare(message nacospb.BaseRequest) error {
	switch m := message.(type) {
	case *nacospb.InstanceRequest:
		m.GroupName = cmp.Or(m.GroupName, nacosmodel.DefaultServiceGroup)
		return invalid(storable(&m.Instance))
	case *nacospb.BatchInstanceRequest:
		m.GroupName = cmp.Or(m.GroupName, nacosmodel.DefaultServiceGroup)
		for n, i := range m.Instances {
			if i == nil {
				return invalid(badRequest("instance %d is null, expected an object", n))
			}
			if err := storable(i); err != nil {
				return invalid(err)
			}
		}
	}
	return nil
}

// invalid returns the error of a request over gRPC, nil for nil.
func invalid(err error) error {
	request, ok := errors.AsType[*requestError](err)
	if !ok {
		return err
	}
	code := nacosmodel.ExceptionCode_ServerError
	switch request.status {
	case http.StatusBadRequest:
		code = nacosmodel.ExceptionCode_InvalidParam
	case http.StatusForbidden:
		code = nacosmodel.ExceptionCode_NoRight
	case http.StatusTooManyRequests:
		code = nacosmodel.ExceptionCode_OverThreshold
	}
	return &callError{code, request.text}
}
