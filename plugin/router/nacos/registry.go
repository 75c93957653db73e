package nacos

import (
	"context"
	"fmt"
	"net/http"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/service"
	"github.com/polarismesh/polaris/service/healthcheck"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// naming is where instances are registered: the Polaris server, behind its auth.
type naming interface {
	RegisterInstance(context.Context, *apiservice.Instance) *apiservice.Response
	DeregisterInstance(context.Context, *apiservice.Instance) *apiservice.Response
}

// registry is naming, with what only Nacos 1 needs.
type registry interface {
	naming
	UpdateInstance(context.Context, *apiservice.Instance) *apiservice.Response
	// Report takes a heartbeat.
	Report(context.Context, *apiservice.Instance) *apiservice.Response
}

// polarisRegistry is the registry of the running server.
type polarisRegistry struct {
	service.DiscoverServer
	health *healthcheck.Server
}

// runningRegistry returns the registry of the running server. It fails before Polaris has
// made its servers.
func runningRegistry() (registry, error) {
	naming, err := service.GetServer()
	if err != nil {
		return nil, err
	}
	health, err := healthcheck.GetServer()
	if err != nil {
		return nil, err
	}
	return polarisRegistry{naming, health}, nil
}

// Report implements registry.
func (r polarisRegistry) Report(ctx context.Context, i *apiservice.Instance) *apiservice.Response {
	return r.health.Report(ctx, i)
}

// newInstance returns an instance of a Nacos client as Polaris keeps it. A persistent one has
// no health check: it stays until somebody deregisters it.
func newInstance(q query, i nacosmodel.Instance) (*apiservice.Instance, error) {
	if err := storable(&i); err != nil {
		return nil, err
	}
	service := q.polaris()
	out := nacosmodel.PrepareSpecInstance(service.Namespace, service.Name, &i)
	if !i.Ephemeral {
		out.EnableHealthCheck, out.HealthCheck = wrapperspb.Bool(false), nil
		out.Metadata[metaEphemeral] = "false"
	}
	return out, nil
}

// register registers an instance.
func register(ctx context.Context, n naming, q query, i nacosmodel.Instance) error {
	out, err := newInstance(q, i)
	if err != nil {
		return err
	}
	return refusal(n.RegisterInstance(ctx, out))
}

// update changes an instance that is registered.
func update(ctx context.Context, r registry, q query, i nacosmodel.Instance) error {
	out, err := newInstance(q, i)
	if err != nil {
		return err
	}
	id, refused := utils.CheckInstanceTetrad(out)
	if refused != nil {
		return refusal(refused)
	}
	out.Id = wrapperspb.String(id)
	return refusal(r.UpdateInstance(ctx, out), apimodel.Code_NoNeedUpdate)
}

// deregister removes an instance. What is not registered is removed already.
func deregister(ctx context.Context, n naming, q query, i nacosmodel.Instance) error {
	return refusal(n.DeregisterInstance(ctx, placeOf(q, i)), apimodel.Code_NotFoundResource, apimodel.Code_SameInstanceRequest)
}

// placeOf returns where an instance is: what Polaris knows it by.
func placeOf(q query, i nacosmodel.Instance) *apiservice.Instance {
	service := q.polaris()
	return &apiservice.Instance{
		Namespace: wrapperspb.String(service.Namespace), Service: wrapperspb.String(service.Name),
		Host: wrapperspb.String(i.IP), Port: wrapperspb.UInt32(uint32(i.Port)),
	}
}

// beat tells that an instance lives. It is not ok where no such instance is registered: the
// client then registers it again.
func beat(ctx context.Context, r registry, q query, i nacosmodel.Instance) (ok bool, err error) {
	resp := r.Report(ctx, placeOf(q, i))
	switch apimodel.Code(resp.GetCode().GetValue()) {
	case apimodel.Code_NotFoundResource, apimodel.Code_NotFoundService:
		return false, nil
	}
	return true, refusal(resp)
}

// refusal returns the error for an answer of Polaris, nil for success and for what else will
// do. The status of HTTP is in the first digits of Polaris's code.
func refusal(resp *apiservice.Response, alsoFine ...apimodel.Code) error {
	code := apimodel.Code(resp.GetCode().GetValue())
	if code == apimodel.Code_ExecuteSuccess {
		return nil
	}
	for _, fine := range alsoFine {
		if code == fine {
			return nil
		}
	}
	status := int(code) / 1000
	switch {
	case status == http.StatusUnauthorized:
		status = http.StatusForbidden // on which clients log in once more
	case status < http.StatusBadRequest || status > 599:
		status = http.StatusInternalServerError
	}
	return &requestError{status, fmt.Sprintf("Polaris answers %d, %s", code, resp.GetInfo().GetValue())}
}
