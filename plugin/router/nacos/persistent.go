package nacos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
)

// The types of a request that registers or removes an instance.
const (
	typeRegister   = "registerInstance"
	typeDeregister = "deregisterInstance"
)

// servePersistent answers a PersistentInstanceRequest over gRPC, which the stock listener
// does not know. The instance has nothing to do with the connection of the client.
func servePersistent(ctx context.Context, r registry, body []byte) *nacospb.InstanceResponse {
	request := nacospb.NewPersistentInstanceRequest()
	request.Instance = nacosmodel.Instance{Weight: nacosmodel.InstanceDefaultWeight, Healthy: true, Enabled: true}
	if err := json.Unmarshal(body, request); err != nil {
		return instanceResponse("", "", badRequest("the body is %s, expected a PersistentInstanceRequest", quoted(string(body))))
	}
	request.Instance.Ephemeral = false
	return instanceResponse(request.RequestId, request.Type, registerPersistent(ctx, r, request))
}

func registerPersistent(ctx context.Context, r registry, request *nacospb.PersistentInstanceRequest) error {
	q := newQuery(request.Namespace, request.GroupName, request.ServiceName)
	i := request.Instance
	if q.service == "" || i.IP == "" || i.Port < 0 || i.Port > maxPort {
		return badRequest("serviceName is %s, ip %s, port %d, expected a service, and the address of an instance",
			quoted(request.ServiceName), quoted(i.IP), i.Port)
	}
	switch request.Type {
	case typeRegister:
		if err := checkWeight(i.Weight); err != nil {
			return badRequest("%v", err)
		}
		return register(ctx, r, q, i)
	case typeDeregister:
		return deregister(ctx, r, q, i)
	}
	return badRequest("type is %s, expected %s or %s", quoted(request.Type), typeRegister, typeDeregister)
}

// instanceResponse returns the answer to a request, with what went wrong.
func instanceResponse(id, kind string, err error) *nacospb.InstanceResponse {
	out := &nacospb.InstanceResponse{Type: kind, Response: &nacospb.Response{
		RequestId: id, ResultCode: int(nacosmodel.Response_Success.Code), ErrorCode: int(nacosmodel.ErrorCode_Success.Code), Success: true,
	}}
	if err == nil {
		return out
	}
	out.Success, out.ResultCode, out.Message = false, int(nacosmodel.Response_Fail.Code), err.Error()
	out.ErrorCode = http.StatusInternalServerError
	if request, ok := errors.AsType[*requestError](err); ok {
		out.ErrorCode = request.status
	}
	return out
}
