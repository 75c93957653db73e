package router

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang/protobuf/proto"
	api "github.com/polarismesh/polaris/common/api/v1"
	"github.com/polarismesh/polaris/common/metrics"
	"github.com/polarismesh/polaris/service"
	apimodel "github.com/polarismesh/specification/source/go/api/v1/model"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc/metadata"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/caller"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// guarded is the stock server with an auth that lets a caller read one name
// only, and says of others which it refuses.
type guarded struct {
	service.DiscoverServer
	may string
}

func (g guarded) ServiceInstancesCache(ctx context.Context, f *apiservice.DiscoverFilter, req *apiservice.Service) *apiservice.DiscoverResponse {
	if name := req.GetName().GetValue(); name != g.may {
		resp := api.NewDiscoverResponse(apimodel.Code_NotAllowedAccess)
		resp.Info = wrapperspb.String("no permission for " + name)
		return resp
	}
	return g.DiscoverServer.ServiceInstancesCache(ctx, f, req)
}

// A lane address whose target the caller may not read answers the same whether
// there is a target, how many instances it has, and whether others were just
// answered; it does not say the target's name.
func TestRefusedLaneTellsNothingOfItsTarget(t *testing.T) {
	var answers []string
	for _, target := range []struct {
		name  string
		ready bool
	}{{"secret-target", false}, {"secret-target", true}, {"gone-target", false}} {
		s, stock := newTestServer(t)
		stock.name = "secret-target"
		var problems strict.Problems
		rules := route.Load([]strict.File{{Name: "r.yaml", Data: []byte("version: 1\naddresses: [{service: default/lane, target: default/" + target.name + ", set: {callee: a.b.d}}]")}}, time.Now(), &problems)
		if rules == nil {
			t.Fatal(problems.Err())
		}
		s.rules = func() *route.Rules { return rules }
		if target.ready {
			if _, got := get(s, "10.1.0.1", "lane", ""); got != "200000 2" {
				t.Fatalf("with permission: %s", got)
			}
		}
		s.stock = guarded{stock, "own"}
		for _, revision := range []string{"", stock.revision} {
			resp, _ := get(s, "10.1.0.1", "lane", revision)
			text, err := proto.Marshal(resp)
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, string(text))
			if strings.Contains(string(text), "target") || len(resp.Instances) > 0 || resp.AliasFor != nil {
				t.Errorf("%+v: the answer is %v", target, resp)
			}
		}
	}
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("answers differ: %q and %q", answers[0], a)
		}
	}
}

// What callers are, ask for and claim adds no time series.
func TestCallersMakeNoSeries(t *testing.T) {
	observe.Register()
	s, _ := newTestServer(t)
	ask := func(n int) {
		addr := fmt.Sprintf("10.%d.%d.%d", 1+n%3, n/200, n%200)
		for _, name := range []string{"s", "lane", fmt.Sprintf("made-up-%d", n)} {
			header := metadata.Pairs("x-forwarded-for", "10.2.0.1", "set", fmt.Sprint("a.b.", n))
			s.instances(caller.WithPeer(context.Background(), addr+":5000", header), &apiservice.DiscoverFilter{}, &apiservice.Service{
				Name: wrapperspb.String(name), Namespace: wrapperspb.String("default"), Metadata: map[string]string{"internal-set-name": fmt.Sprint("a.b.", n)},
			})
		}
	}
	for n := range 3 {
		ask(n)
	}
	before := series(t)
	for n := range 2000 {
		ask(n)
	}
	if after := series(t); after != before || before == 0 {
		t.Errorf("%d time series, %d before", after, before)
	}
}

func series(t *testing.T) (n int) {
	t.Helper()
	families, err := metrics.GetRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "setrouter_") {
			n += len(f.Metric)
		}
	}
	return n
}

// Of the SET and place that a request claims, in its headers or in the service
// asked for, nothing is believed.
func TestClaimsChangeNothing(t *testing.T) {
	s, _ := newTestServer(t)
	claims := map[string]string{"internal-set-name": "a.b.d", "internal-enable-set": "Y", "set-group": "a.b.d", "set": "a.b.d", "region": "r"}
	header := metadata.New(claims)
	header.Append("x-forwarded-for", "10.2.0.1")
	header.Append("x-real-ip", "10.2.0.1")
	header.Append("client-ip", "10.2.0.1")
	for addr, want := range map[string]string{"10.1.0.1": "1", "10.9.0.1": "1 2 3 4", "": ""} {
		resp := s.instances(caller.WithPeer(context.Background(), addr+":5000", header), &apiservice.DiscoverFilter{}, &apiservice.Service{
			Name: wrapperspb.String("s"), Namespace: wrapperspb.String("default"), Metadata: claims,
			Business: wrapperspb.String("a.b.d"), CmdbMod1: wrapperspb.String("a.b.d"), PlatformId: wrapperspb.String("10.2.0.1"),
		})
		var ids []string
		for _, i := range resp.Instances {
			ids = append(ids, i.Id.GetValue())
		}
		slices.Sort(ids)
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%q gets %s, want %s", addr, got, want)
		}
	}
}

// A request whose listener does not tell who asks, as by a path that only the
// stock handler takes, gets no list of a service that is routed; and with auth it
// learns no more than any other.
func TestNoPeerNoList(t *testing.T) {
	s, stock := newTestServer(t)
	ask := func(name string) string {
		resp := s.instances(context.Background(), &apiservice.DiscoverFilter{}, &apiservice.Service{Name: wrapperspb.String(name), Namespace: wrapperspb.String("default")})
		return fmt.Sprintf("%d %d %s", resp.Code.GetValue(), len(resp.Instances), resp.Service.GetName().GetValue())
	}
	for name, want := range map[string]string{"s": "500000 0 s", "lane": "500000 0 lane", "made-up-1": "400202 0 made-up-1"} {
		if got := ask(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	stock.name = "free"
	if got := ask("free"); got != "200000 4 free" {
		t.Errorf("without a rule: %s, want the stock answer", got)
	}
	stock.refuse = true
	if s, lane := ask("s"), ask("lane"); !strings.HasPrefix(s, "401") || s != lane {
		t.Errorf("refused by auth: %s and %s", s, lane)
	}
}
