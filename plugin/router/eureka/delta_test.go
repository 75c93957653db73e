package eureka

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emicklei/go-restful/v3"
	"github.com/golang/mock/gomock"
	"github.com/google/go-cmp/cmp"
	cachetypes "github.com/polarismesh/polaris/cache/api"
	"github.com/polarismesh/polaris/common/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/test/eurekaclient"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// deltaWorld is a registry whose callers are of kinds, each with lists of its own, and a
// node that they poll.
type deltaWorld struct {
	*registry
	kinds     []map[string][]string // what callers of a kind get: ids by service
	kindOf    map[netip.Addr]int
	revisions int
	now       time.Time
	life      int // restarts of the node
	memory    *memory
	handler   http.Handler
	failures  func(format string, args ...any)
}

func newDeltaWorld(t gomock.TestReporter) *deltaWorld {
	w := &deltaWorld{registry: newRegistry(t, map[string][]string{}), kindOf: map[netip.Addr]int{}, now: time.Unix(1e9, 0), failures: t.Fatalf}
	w.restart()
	return w
}

// restart puts another node in the place of the one before.
func (w *deltaWorld) restart() {
	f := frontOver(w)
	w.memory = newMemory(time.Minute, func() time.Time { return w.now })
	f.memory = w.memory
	w.life++
	w.handler = f.handler(&stockListener{handler: func(*restful.Request, *restful.Response) {}})
}

func (w *deltaWorld) CallerOf(r *http.Request) netip.Addr {
	return netip.MustParseAddrPort(r.RemoteAddr).Addr()
}
func (w *deltaWorld) AddressOf(r *http.Request) netip.Addr { return w.CallerOf(r) }

func (w *deltaWorld) Routed(caller netip.Addr, s route.Service) (*apiservice.DiscoverResponse, error) {
	w.lists = w.kinds[w.kindOf[caller]]
	return w.registry.Routed(caller, s)
}

func (w *deltaWorld) services() cachetypes.ServiceCache {
	var p plainServices
	for _, name := range w.serviceNames() {
		p.names = append(p.names, &model.Service{ID: name, Name: name, Namespace: "default"})
	}
	return p
}

func (w *deltaWorld) instances() cachetypes.InstanceCache {
	p := plainInstances{byID: map[string][]*model.Instance{}}
	for _, name := range w.serviceNames() {
		p.byID[name] = w.instancesOf(name)
	}
	return p
}

// register registers an instance, or changes it.
func (w *deltaWorld) register(service, id string, port uint32, isolated bool) {
	w.revisions++
	w.registered[id] = &model.Instance{ServiceID: service, ModifyTime: w.now, Proto: &apiservice.Instance{
		Id: wrapperspb.String(id), Host: wrapperspb.String("10.0.0.1"), Port: wrapperspb.UInt32(port), Healthy: wrapperspb.Bool(true), Isolate: wrapperspb.Bool(isolated),
		Metadata: map[string]string{"v": fmt.Sprint(w.revisions)}, Revision: wrapperspb.String(fmt.Sprint(w.revisions)),
	}}
}

// ask asks the node as an address does.
func (w *deltaWorld) ask(addr netip.Addr, path string) (a eurekaclient.Answer) {
	req := httptest.NewRequest(http.MethodGet, "/eureka"+path, nil)
	req.RemoteAddr, req.Header = netip.AddrPortFrom(addr, 1).String(), http.Header{"Accept": {"application/json"}}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil || rec.Code != http.StatusOK {
		w.failures("%s: %d %v %s", path, rec.Code, err, rec.Body)
	}
	return a
}

// poll polls as a client does.
func (w *deltaWorld) poll(c *deltaClient) (p poll) {
	if c.IsFull() {
		had := c.Has()
		delta := w.ask(c.addr, "/apps/delta")
		mustFetch := c.Delta(delta)
		if p.isToFetchAll, p.between = delta.FetchAll(), c.Has(); !mustFetch {
			return p
		}
		p.hasThird = !slices.Equal(p.between, had) && !isPartOf(p.between, w.wants(c.addr))
	}
	c.Full(w.ask(c.addr, "/apps"))
	p.isFull = true
	return p
}

// poll is what came of a poll.
type poll struct {
	isToFetchAll bool     // the node did not know what the client has
	isFull       bool     // the client took a full list
	between      []string // what the client had between a delta and the full list
	hasThird     bool     // between is neither what the client had nor of what it must have
}

// isPartOf reports whether all of a list is in another.
func isPartOf(list, other []string) bool {
	return !slices.ContainsFunc(list, func(one string) bool { return !slices.Contains(other, one) })
}

// wants returns what a client at an address must have: the oracle, which goes through
// everything.
func (w *deltaWorld) wants(addr netip.Addr) []string {
	var all []eurekaclient.Instance
	for _, service := range w.serviceNames() {
		ids, ok := w.kinds[w.kindOf[addr]][service]
		for _, i := range w.instancesOf(service) {
			if ok && !slices.Contains(ids, i.ID()) {
				continue
			}
			a := eurekaclient.Instance{InstanceID: i.ID(), App: strings.ToUpper(service), HostName: i.Host(), Status: eurekaStatus(i.Proto), Metadata: i.Metadata()}
			a.Port.Number = int(i.Port())
			all = append(all, a)
		}
	}
	return eurekaclient.Contents(all)
}

// deltaClient is a client at an address.
type deltaClient struct {
	eurekaclient.Client
	addr   netip.Addr
	polled time.Time // the last poll whose answer came
	life   int       // of the node, at that poll
	isLate bool      // the client can be wrong until it takes a full list
}

// looksAtHashcodes reports whether the client fetches all where its list has another
// hashcode.
func (c *deltaClient) looksAtHashcodes() bool {
	_, ok := c.Client.(*eurekaclient.Node)
	return !ok
}

// Clients at several addresses, of which two share one, apply deltas as the real ones do,
// while instances come, change and go, rules change, addresses move, answers are lost and
// the node is restarted. All end with their lists, and none has a third list between two.
// A client that was silent for longer than the interval while another at its address polled
// has its list when the node tells all to fetch all.
func FuzzDeltas(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(checkDeltas))
}

func TestDeltas(t *testing.T) { rapid.Check(t, checkDeltas) }

func checkDeltas(t *rapid.T) {
	w := newDeltaWorld(t)
	w.kinds = []map[string][]string{{}, {"a": nil}, {"b": nil, "c": nil}}
	var clients []*deltaClient
	for n, c := range []eurekaclient.Client{&eurekaclient.Java{}, &eurekaclient.Java{}, &eurekaclient.Python{}, &eurekaclient.Node{}, &eurekaclient.Java{}, &eurekaclient.Node{}} {
		clients = append(clients, &deltaClient{Client: c, addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + n/2)})})
	}
	services, ids := []string{"a", "b", "c"}, []string{"1", "2", "3", "4", "5"}
	pick := func() (service, id string) {
		service = rapid.SampledFrom(services).Draw(t, "service")
		return service, service + rapid.SampledFrom(ids).Draw(t, "id")
	}
	t.Repeat(map[string]func(*rapid.T){
		"register": func(t *rapid.T) {
			service, id := pick()
			w.deregister(id + "x") // no two at one host and port
			w.register(service, id, uint32(id[1]), rapid.Bool().Draw(t, "isolated"))
		},
		"deregister": func(t *rapid.T) { _, id := pick(); w.deregister(id) },
		"replace": func(t *rapid.T) { // another id at the same host and port
			service, id := pick()
			other := id + "x"
			if w.registered[id] == nil {
				id, other = other, id
			}
			if w.registered[id] == nil {
				return
			}
			port := w.registered[id].Port()
			w.deregister(id)
			w.register(service, other, port, false)
		},
		"rule": func(t *rapid.T) {
			kind := rapid.IntRange(0, 2).Draw(t, "kind")
			service := rapid.SampledFrom(services).Draw(t, "service")
			if rapid.Bool().Draw(t, "no rule") {
				delete(w.kinds[kind], service)
				return
			}
			w.kinds[kind][service] = nil
			for _, i := range w.instancesOf(service) {
				if rapid.Bool().Draw(t, "in") {
					w.kinds[kind][service] = append(w.kinds[kind][service], i.ID())
				}
			}
		},
		"move": func(t *rapid.T) {
			w.kindOf[clients[rapid.IntRange(0, len(clients)-1).Draw(t, "who")].addr] = rapid.IntRange(0, 2).Draw(t, "kind")
		},
		"wait": func(t *rapid.T) {
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
		},
		"restart": func(t *rapid.T) { w.restart() },
		"lost":    func(t *rapid.T) { w.ask(clients[rapid.IntRange(0, len(clients)-1).Draw(t, "who")].addr, "/apps/delta") },
		"poll": func(t *rapid.T) {
			w.follow(t, clients[rapid.IntRange(0, len(clients)-1).Draw(t, "who")])
		},
	})
	for range checkEvery { // once each is told to fetch all
		w.now = w.now.Add(time.Minute)
		for _, c := range clients {
			w.follow(t, c)
		}
	}
	for _, c := range clients {
		if c.looksAtHashcodes() && c.isLate {
			t.Fatalf("a %T at %s can be wrong for %d intervals", c.Client, c.addr, checkEvery)
		}
	}
}

// After a restart of the node a client at an address polls before another there. None has its
// old list and the new one together, whether the full list comes or not.
func TestRestartMixesNothing(t *testing.T) {
	w := newDeltaWorld(t)
	w.kinds = []map[string][]string{{"a": {"a1"}}, {"a": {"a2"}}}
	w.register("a", "a1", 1, false)
	w.register("a", "a2", 2, false)
	addr := netip.MustParseAddr("10.0.0.1")
	clients := []*deltaClient{{Client: &eurekaclient.Java{}, addr: addr}, {Client: &eurekaclient.Java{}, addr: addr}, {Client: &eurekaclient.Python{}, addr: addr}}
	for _, c := range clients {
		w.poll(c)
	}
	old := w.wants(addr)
	w.restart()
	w.kindOf[addr] = 1
	for n, c := range clients {
		for range 2 { // the first full list does not come
			delta := w.ask(addr, "/apps/delta")
			if mustFetch := c.Delta(delta); !mustFetch || !slices.Equal(c.Has(), old) {
				t.Errorf("client %d: has %q after a delta, and fetches all: %t; want %q, true", n, c.Has(), mustFetch, old)
			}
		}
		if c.Full(w.ask(addr, "/apps")); !slices.Equal(c.Has(), w.wants(addr)) {
			t.Errorf("client %d: has %q, want %q", n, c.Has(), w.wants(addr))
		}
	}
}

// follow polls as a client does, and compares what the client then has with what it must
// have. Until a client that looks at hashcodes has its list, it has the one before. A client
// that looks at none keeps its list where the node does not know what the client has.
func (w *deltaWorld) follow(t *rapid.T, c *deltaClient) {
	c.isLate = c.isLate || c.IsFull() && (w.now.Sub(c.polled) > time.Minute || !c.looksAtHashcodes() && c.life != w.life)
	p := w.poll(c)
	if _, isJava := c.Client.(*eurekaclient.Java); isJava && p.isFull && p.between != nil && !p.isToFetchAll && !c.isLate {
		t.Fatalf("a %T at %s did not arrive at the hashcode of a delta", c.Client, c.addr)
	}
	if p.hasThird && !c.isLate {
		t.Fatalf("a %T at %s had a third list: %q", c.Client, c.addr, p.between)
	}
	c.isLate = !p.isFull && c.isLate || !c.looksAtHashcodes() && !w.remembers(c.addr)
	c.polled, c.life = w.now, w.life
	if diff := cmp.Diff(w.wants(c.addr), c.Has()); diff != "" && (p.isFull || !p.isToFetchAll && !c.isLate) {
		t.Fatalf("a %T at %s: (-want +got)\n%s", c.Client, c.addr, diff)
	}
}

// remembers reports whether the node knows what an address has. The node does not where
// nothing was registered for the address at its first poll.
func (w *deltaWorld) remembers(addr netip.Addr) bool {
	_, ok := w.memory.addresses.get(addressKey{addr, "default"})
	return ok
}

func (w *deltaWorld) deregister(id string) {
	delete(w.registered, id)
	for _, lists := range w.kinds {
		for service := range lists {
			lists[service] = slices.DeleteFunc(lists[service], func(other string) bool { return other == id })
		}
	}
}

// A delta in both forms: of an application, first what is replaced, then what changed, then what
// came, each in an element of its own.
func TestDeltaForms(t *testing.T) {
	said := regexp.MustCompile(`<name>([ABC])<|"name":"([ABC])"|instanceId"?[:>]"?(\w+)|actionType"?[:>]"?(\w+)`)
	for _, accept := range []string{"application/json", "application/xml"} {
		w := newDeltaWorld(t)
		w.kinds = []map[string][]string{{}}
		addr := netip.MustParseAddr("10.0.0.1")
		for _, id := range []string{"a1", "a2", "a4", "b1", "c1"} {
			w.register(id[:1], id, 80, false)
		}
		w.ask(addr, "/apps")
		for range 2 { // the first interval ends
			w.now = w.now.Add(40 * time.Second)
			w.ask(addr, "/apps/delta")
		}
		w.register("a", "a1", 80, true)
		w.register("a", "a3", 80, false)
		w.deregister("a2")
		w.deregister("b1")
		req := httptest.NewRequest(http.MethodGet, "/eureka/apps/delta", nil)
		req.RemoteAddr, req.Header = netip.AddrPortFrom(addr, 1).String(), http.Header{"Accept": {accept}}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, req)
		var got []string
		for _, m := range said.FindAllStringSubmatch(rec.Body.String(), -1) {
			got = append(got, strings.Join(m[1:], ""))
		}
		want := "A a2 DELETED A a1 MODIFIED A a3 ADDED B b1 DELETED"
		if strings.Join(got, " ") != want || !strings.Contains(rec.Body.String(), "OUT_OF_SERVICE_1_UP_3_") {
			t.Errorf("%s: %q, want %s in\n%s", accept, got, want, rec.Body)
		}
	}
}
