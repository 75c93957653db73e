package admin

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/timeline"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// demoCity is a city of the demo company, and the letter of its groups.
type demoCity struct{ place, campus, letter string }

var demoCities = []demoCity{
	{"华东/ap-shanghai", "ap-shanghai-1", "h"}, {"华东/ap-nanjing", "ap-nanjing-4", "n"},
	{"华南/ap-shenzhen", "ap-shenzhen-2", "z"}, {"华南/ap-guangzhou", "ap-guangzhou-3", "g"}, {"华北/ap-beijing", "ap-beijing-3", "b"},
}

// demoAreas are the first segments of the demo company's SETs, with their services, and
// whether there is a pool for failover.
var demoAreas = []struct {
	name     string
	services []string
	pool     bool
}{
	{"qb.novel", []string{"novel", "novel-catalog", "novel-reader", "novel-search"}, true},
	{"qb.comic", []string{"comic", "comic-reader"}, true},
	{"ams.ads", []string{"ads", "ads-bidder", "ads-report"}, false},
	{"epp.core", []string{"epp-core", "epp-domain"}, true},
	{"pay.order", []string{"order", "order-ledger"}, true},
}

const demoRouting = `
version: 1
rules:
  - {name: ads, service: default/ads*, set: {tiers: [own]}}
  - {name: novel, service: default/novel*, set: {}, nearby: {}}
  - {name: comic, service: default/comic*, set: {}, nearby: {}}
  - {name: epp, service: default/epp*, set: {}, nearby: {}}
  - {name: order, service: default/order*, set: {}, nearby: {}}
  - {name: common, service: default/common, nearby: {matchLevel: zone}}
`

// demoBackend is a server of the demo company, on a calm day or with Shenzhen dark.
type demoBackend struct {
	pageBackend
	dark bool
}

func (b demoBackend) World() *world.World {
	var problems strict.Problems
	w := &world.World{Now: pageNow}
	var mapping strings.Builder
	mapping.WriteString("match,region,zone,campus,set\n")
	for n, city := range demoCities {
		region, zone, _ := strings.Cut(city.place, "/")
		fmt.Fprintf(&mapping, "10.%d.0.0/16,%s,%s,%s,\n", n+1, region, zone, city.campus)
		for a, area := range demoAreas {
			fmt.Fprintf(&mapping, "10.%d.%d.0/24,,,,%s.%s\n", n+1, a+1, area.name, city.letter)
			if area.pool && (city.letter == "g" || city.letter == "n") {
				fmt.Fprintf(&mapping, "10.%d.%d.0/24,,,,%s.*\n", n+1, 100+a, area.name)
			}
			for c := range 4 + 3*a*(n%2) + 7*(n%3) {
				w.Seen = append(w.Seen, world.Seen{Addr: netip.AddrFrom4([4]byte{10, byte(n + 1), byte(a + 1), byte(c + 10)}), Requests: 30})
			}
		}
	}
	w.Table = location.LoadMapping([]strict.File{{Name: "mapping.csv", Data: []byte(mapping.String())}}, &problems)
	w.Rules = route.Load([]strict.File{{Name: "routing.yaml", Data: []byte(demoRouting)}}, pageNow, &problems)
	if err := problems.Err(); err != nil {
		b.t.Error(err)
	}
	b.addInstances(w)
	w.Sort()
	return w
}

// addInstances adds three instances of each service in each city, and two of its pool.
func (b demoBackend) addInstances(w *world.World) {
	add := func(service string, city int, third, host int) {
		w.Instances = append(w.Instances, world.Instance{
			ID: fmt.Sprintf("%s-%d-%d-%d", service, city, third, host), Service: serviceNamed("default/" + service), Host: fmt.Sprintf("10.%d.%d.%d", city+1, third, host), Port: 8080,
			Healthy: !b.dark || demoCities[city].letter != "z", Weight: 100,
		})
	}
	for city := range demoCities {
		for a, area := range demoAreas {
			for s, service := range area.services {
				for n := range 3 {
					add(service, city, a+1, 200+4*s+n)
				}
				if letter := demoCities[city].letter; area.pool && (letter == "g" || letter == "n") {
					add(service, city, 100+a, 200+4*s)
					add(service, city, 100+a, 201+4*s)
				}
			}
		}
		add("common", city, 250, 1)
		add("common", city, 250, 2)
	}
}

// asked returns who asks: each caller for the services of its business and for common.
func (b demoBackend) asked(w *world.World) (groups []matrix.Asked) {
	survey := w.Survey(nil)
	for _, service := range w.Services() {
		answers := survey.Of(service)
		for _, answer := range answers.Groups {
			for _, n := range answer.Kinds {
				kind := survey.Kinds[n]
				area := slices.IndexFunc(demoAreas, func(a struct {
					name     string
					services []string
					pool     bool
				}) bool {
					return slices.Contains(a.services, service.Name)
				})
				if len(kind.Callers) == 0 || area >= 0 && !strings.HasPrefix(string(kind.Identity.SET), demoAreas[area].name) {
					continue
				}
				state := api.KindState{
					Service: service.String(), Kind: kind.Text(), State: string(answer.State), Sent: answer.Sent, Usable: answer.Usable,
					Callers: len(kind.Callers), Example: kind.Callers[0], Last: pageNow,
				}
				if answer.Decides() {
					state.Rule, state.Tier, state.Level = answer.Route.Rule.Name, answer.Decision.Tier(), answer.Decision.Level()
				}
				groups = append(groups, matrix.Asked{Service: service, State: state, Callers: kind.Callers})
			}
		}
	}
	return groups
}

func (b demoBackend) Matrix(_ context.Context, r matrixRequest) (api.Matrix, error) {
	w := b.World()
	return matrixOf(w, b.asked(w), r), nil
}

func (b demoBackend) ServiceStates(_ context.Context, q matrix.ServiceQuery) (api.ServiceStates, error) {
	w := b.World()
	return matrix.Services(w, b.asked(w), q), nil
}

func (b demoBackend) Drill(_ context.Context, q world.DrillQuery) (world.Drill, error) {
	return b.World().Drill(q), nil
}

func (b demoBackend) Explain(q world.Request) (explain.Explanation, error) {
	return b.World().Explain(q), nil
}

func (b demoBackend) Status(ctx context.Context) api.Status {
	s := calmStatus(b.t)
	kinds := []api.KindState{}
	for _, g := range b.asked(b.World()) {
		kinds = append(kinds, g.State)
	}
	s.State = api.NewCallerStates(kinds, true)
	s.Callers.Seen = len(b.World().Seen)
	s.State.Cut(maxListed)
	s.Health = api.NewHealth(s, b.Nodes(ctx))
	return s
}

func (b demoBackend) Nodes(ctx context.Context) api.Cluster {
	c := b.pageBackend.Nodes(ctx)
	third := c.Nodes[1]
	third.Address = "10.0.0.3:8091"
	c.Nodes = append(c.Nodes, third)
	return c
}

// Timeline has what became of the callers of Shenzhen, by what they had before and have.
func (b demoBackend) Timeline(context.Context) api.Timeline {
	var changes []api.Change
	if b.dark {
		before, now := demoBackend{pageBackend: b.pageBackend}, b.asked(b.World())
		for n, g := range before.asked(before.World()) {
			was, is := g.State, now[n].State
			if was.State == is.State {
				continue
			}
			word := map[string]string{"widened": "widened", "empty": "emptied", "unusable": "changed"}[is.State]
			changes = append(changes, api.Change{
				At: pageNow.Add(-7 * time.Minute), Service: is.Service, Rule: is.Rule, Kind: is.Kind, Why: "instances changed", Change: word,
				Before: &explain.State{Answer: explain.AnswerRouted, Rule: was.Rule, Tier: was.Tier, Level: was.Level, Instances: was.Sent, Usable: was.Usable},
				After:  explain.State{Answer: explain.AnswerRouted, Rule: is.Rule, Tier: is.Tier, Level: is.Level, Instances: is.Sent, Usable: is.Usable},
			})
		}
	}
	return timeline.New("10.0.0.1:8091", pageNow, pageNow.Add(-time.Hour), nil, changes)
}
