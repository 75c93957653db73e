package eureka

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/emicklei/go-restful/v3"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
)

// discard is a client that reads at once.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkList writes 10,000 instances of 100 applications: encoded before, and anew.
func BenchmarkList(b *testing.B) {
	lists := map[string][]string{}
	r := newRegistry(b, lists)
	for n := range 10_000 {
		service, id := fmt.Sprint("app-", n%100), fmt.Sprint("i-", n)
		r.add(service, id, map[string]string{"version": "1", "env": "prod", "internal-set-name": "a.b.c"})
		lists[service] = append(lists[service], id)
	}
	f := frontOver(r)
	q := query{namespace: "default", resource: resourceApps}
	apps, _ := f.applications(q, f.servicesByApp(q))
	v := f.memory.view(apps)
	req := restful.NewRequest(httptest.NewRequest(http.MethodGet, "/", nil))
	for name, anew := range map[string]bool{"kept": false, "anew": true} {
		for _, isXML := range []bool{false, true} {
			q.isXML = isXML
			b.Run(fmt.Sprintf("%s/XML=%t", name, isXML), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if anew {
						f.fragments = newFragments()
					}
					f.send(q, answer{v.blocks(), v.hashcode}, req, restful.NewResponse(discard{http.Header{}}))
				}
			})
		}
	}
}

// plainRegistry is a registry without mocks, whose callers are at the addresses of their
// connections.
type plainRegistry struct {
	*registry
	names []*model.Service
	byID  map[string][]*model.Instance
}

func (p *plainRegistry) CallerOf(r *http.Request) netip.Addr {
	return netip.MustParseAddrPort(r.RemoteAddr).Addr()
}
func (p *plainRegistry) services() cachetypes.ServiceCache   { return plainServices{names: p.names} }
func (p *plainRegistry) instances() cachetypes.InstanceCache { return plainInstances{byID: p.byID} }

type plainServices struct {
	cachetypes.ServiceCache
	names []*model.Service
}

func (p plainServices) IteratorServices(each cachetypes.ServiceIterProc) error {
	for _, s := range p.names {
		_, _ = each(s.ID, s)
	}
	return nil
}

type plainInstances struct {
	cachetypes.InstanceCache
	byID map[string][]*model.Instance
}

func (p plainInstances) GetInstance(string) *model.Instance { return nil }
func (p plainInstances) GetInstancesByServiceID(id string) []*model.Instance {
	return slices.Clone(p.byID[id])
}
func (p plainInstances) GetInstancesCountByServiceID(id string) model.InstanceCount {
	return model.InstanceCount{TotalInstanceCount: uint32(len(p.byID[id]))}
}

// BenchmarkPoll polls from 20,000 addresses in turn: 200 applications of 10 instances, of
// which no rule is for any; what the router takes for one comes on top. Where something
// changed, one application has other instances than at the poll before.
func BenchmarkPoll(b *testing.B) {
	for _, changed := range []bool{false, true} {
		b.Run(fmt.Sprintf("changed=%t", changed), func(b *testing.B) {
			p := &plainRegistry{registry: newRegistry(b, map[string][]string{}), byID: map[string][]*model.Instance{}}
			for n := range 2000 {
				p.add(fmt.Sprint("app-", n%200), fmt.Sprint("i-", n), map[string]string{"version": "1", "env": "prod"})
			}
			for _, name := range p.serviceNames() {
				p.names = append(p.names, &model.Service{ID: name, Name: name, Namespace: "default"})
				p.byID[name] = p.instancesOf(name)
			}
			now := time.Unix(1e9, 0)
			f := frontOver(p)
			f.memory = newMemory(time.Minute, func() time.Time { return now })
			address := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}) }
			poll := func(n int) {
				req := httptest.NewRequest(http.MethodGet, "/eureka/apps/delta", nil)
				req.RemoteAddr = netip.AddrPortFrom(address(n), 1).String()
				r := restful.NewRequest(req)
				f.serveDelta(f.newQuery(resourceDelta, r), r, restful.NewResponse(discard{http.Header{}}), nil)
			}
			const addresses = 20_000
			whole := p.byID["app-7"]
			apps, _ := f.applications(query{namespace: "default"}, f.servicesByApp(query{namespace: "default"}))
			v := f.memory.view(apps)
			for range 3 { // the first interval is over
				for n := range addresses {
					f.memory.give(addressKey{address(n), "default"}, v)
				}
				now = now.Add(31 * time.Second)
			}
			for n := 0; b.Loop(); n++ {
				if changed && n%addresses == 0 {
					p.byID["app-7"] = whole[n/addresses%2:]
				}
				poll(n % addresses)
			}
		})
	}
}
