package nacos

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	nacosmodel "github.com/polarismesh/polaris/apiserver/nacosserver/model"
	nacospb "github.com/polarismesh/polaris/apiserver/nacosserver/v2/pb"
	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/common/utils"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"go.uber.org/zap"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// registrations are the instances that clients register over gRPC. When a connection ends,
// the stock handlers delete what was registered by the connection, also what another
// connection has registered since: that of the same client, who was faster than the news
// of the end. So registrations stand between the stock handlers and the server, and delete
// only what belongs to a connection that is no more. The store says to whom an instance
// belongs: whoever registers it last, on any node, puts the id of the connection into its
// metadata.
type registrations struct {
	service.DiscoverServer
	instance func(id string) (*model.Instance, error) // of the store; nil: there is none
	node     string                                   // how the ids of this node's connections end

	alive sync.Map // ids of connections
	locks [64]sync.Mutex
}

var seed = maphash.MakeSeed()

func newRegistrations(server service.DiscoverServer) *registrations {
	return &registrations{
		DiscoverServer: server, node: utils.LocalHost,
		instance: func(id string) (*model.Instance, error) { return server.Cache().GetStore().GetInstance(id) },
	}
}

// isOrphan reports whether an instance belongs to a connection of this node that has
// ended.
func (r *registrations) isOrphan(i *model.Instance) bool {
	owner := i.Metadata()[nacosmodel.InternalNacosClientConnectionID]
	if owner == "" || !strings.HasSuffix(owner, r.node) {
		return false
	}
	_, ok := r.alive.Load(owner)
	return !ok
}

// DeleteInstances deletes the instances of a connection that has ended, as many at a time
// as the server takes.
func (r *registrations) DeleteInstances(ctx context.Context, instances []*apiservice.Instance) *apiservice.BatchWriteResponse {
	out := api.NewBatchWriteResponse(apimodel.Code_ExecuteSuccess)
	for chunk := range slices.Chunk(instances, utils.MaxBatchSize) {
		if resp := r.deleteOrphans(ctx, chunk); resp.GetCode().GetValue() != uint32(apimodel.Code_ExecuteSuccess) {
			out = resp
		}
	}
	return out
}

// deleteOrphans deletes those instances that belong to no connection any more. Meanwhile
// nobody registers them.
func (r *registrations) deleteOrphans(ctx context.Context, instances []*apiservice.Instance) *apiservice.BatchWriteResponse {
	var places []string
	for _, i := range instances {
		if stored := r.stored(i); stored != nil {
			places = append(places, hostPort(stored.Host(), int64(stored.Port())))
		}
	}
	defer r.lock(places)()
	var orphans []*apiservice.Instance
	for _, i := range instances {
		if stored := r.stored(i); stored != nil && r.isOrphan(stored) {
			orphans = append(orphans, i)
		}
	}
	if len(orphans) == 0 {
		return api.NewBatchWriteResponse(apimodel.Code_ExecuteSuccess)
	}
	return r.DiscoverServer.DeleteInstances(ctx, orphans)
}

// stored returns an instance as the store has it, nil where the store has none.
func (r *registrations) stored(i *apiservice.Instance) *model.Instance {
	stored, err := r.instance(i.GetId().GetValue())
	if err != nil {
		observe.Fault("the instance of a Nacos client cannot be read, and stays until the instance is taken for dead", zap.Error(err))
	}
	return stored
}

// lockFor keeps the instances of a request from being deleted until unlock is called.
// Other requests need no lock.
func (r *registrations) lockFor(request nacospb.BaseRequest) (unlock func()) {
	switch m := request.(type) {
	case *nacospb.InstanceRequest:
		return r.lock([]string{hostPort(m.Instance.IP, int64(m.Instance.Port))})
	case *nacospb.BatchInstanceRequest:
		var places []string
		for _, i := range m.Instances {
			places = append(places, hostPort(i.IP, int64(i.Port)))
		}
		return r.lock(places)
	}
	return func() {}
}

// hostPort returns where an instance listens.
func hostPort(host string, port int64) string { return fmt.Sprintf("%s:%d", host, uint32(port)) }

// lock takes the locks of places, in an order in which nobody waits for anybody else in a
// circle.
func (r *registrations) lock(places []string) (unlock func()) {
	var taken []int
	for _, place := range places {
		taken = append(taken, int(maphash.String(seed, place)%uint64(len(r.locks))))
	}
	slices.Sort(taken)
	taken = slices.Compact(taken)
	for _, n := range taken {
		r.locks[n].Lock()
	}
	return func() {
		for _, n := range taken {
			r.locks[n].Unlock()
		}
	}
}
