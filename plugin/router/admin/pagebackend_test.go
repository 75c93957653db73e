package admin

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/sources"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/matrix"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/timeline"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Names that clients can choose. The page must not take them for markup.
const (
	hostileService = `default/<img src=x onerror=boom()>`
	hostileHost    = `<script>boom("host")</script>`
	hostileSET     = `<script>boom('set')</script>`
	hostileRegion  = `<script>boom("region")</script>`
)

const pageMapping = `match,region,zone,campus,set
10.1.0.0/16,华南,ap-shenzhen,ap-shenzhen-2,
10.1.7.0/24,,,,qb.novel.z
10.1.8.0/24,,,,qb.novel.*
10.2.0.0/16,华东,ap-shanghai,ap-shanghai-1,
10.2.7.0/24,,,,qb.novel.h
10.4.0.0/16,华北,ap-beijing,ap-beijing-3,epp.core.bj
`

const pageRouting = `
version: 1
rules:
  - {name: dashboards, service: default/*, when: {ip: [10.9.0.0/24]}}
  - {name: of-another, service: default/another, set: {}}
  - {name: novel, service: default/novel, set: {}, nearby: {}}
  - {name: trial, service: default/trial, set: {}, mode: shadow}
  - {name: fixed, service: default/fixed, set: {callee: qb.novel.z, tiers: [own, pool]}}
evacuate:
  - {zone: 华南/ap-guangzhou, until: 2026-12-01T18:00:00+08:00, reason: power}
`

var pageNow = time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC)

// pageBackend is a backend over a world. A server is a backend over its caches.
type pageBackend struct {
	t       *testing.T
	changes []api.Change
	broken  []string // why the routing files are refused
	twins   bool     // two instances with different SETs are at 198.51.100.7
}

func (b pageBackend) World() *world.World {
	var problems strict.Problems
	w := &world.World{
		Now:   pageNow,
		Table: location.LoadMapping([]strict.File{{Name: "mapping.csv", Data: []byte(pageMapping)}}, &problems),
		Rules: route.Load([]strict.File{{Name: "routing.yaml", Data: []byte(pageRouting)}}, pageNow, &problems),
		Seen:  []world.Seen{{Addr: netip.MustParseAddr("10.1.7.4"), Requests: 75}, {Addr: netip.MustParseAddr("192.0.2.9"), Requests: 25}},
	}
	if err := problems.Err(); err != nil {
		b.t.Error(err)
	}
	add := func(service, host, set string, healthy bool) {
		w.Instances = append(w.Instances, world.Instance{
			ID: fmt.Sprint(len(w.Instances)), Service: serviceNamed(service), Host: host, Port: 8080,
			Metadata: map[string]string{location.MetaSetGroup: set}, Healthy: healthy, Weight: 100,
		})
	}
	add("default/novel", "10.1.7.4", "", true)
	add("default/novel", "10.1.7.5", "", false)
	add("default/novel", "10.1.8.1", "", true)
	add("default/novel", "10.2.7.1", "", false)
	add("default/trial", "10.1.7.4", "", true)
	add("default/trial", "10.2.7.1", "", true)
	add("default/fixed", "10.1.7.5", "", false)
	add("default/fixed", "10.2.7.1", "", true)
	add("default/plain", "10.1.7.9", "", true)
	add(hostileService, hostileHost, hostileSET, true)
	w.Instances[len(w.Instances)-1].Location.Region = hostileRegion
	if b.twins {
		add("default/plain", "198.51.100.7", "qb.novel.z", true)
		add("default/trial", "198.51.100.7", "qb.novel.h", true)
		add("default/plain", "198.51.100.7", "qb.novel", true)
	}
	return w
}

func serviceNamed(s string) route.Service {
	service, err := route.ParseService(s)
	if err != nil {
		panic(err)
	}
	return service
}

func (b pageBackend) Status(ctx context.Context) api.Status {
	w := b.World()
	status := api.Status{
		Load: api.NewLoadStatus(nil, true, 1),
		Now:  pageNow, Started: pageNow.Add(-5 * time.Hour), FailOpen: true,
		Files: []api.Files{
			{Kind: "mapping", Names: []string{"mapping.csv"}, Entries: 6, LoadedAt: pageNow.Add(-3 * time.Hour), TriedAt: pageNow, Problems: []string{}},
			{Kind: "routing", Names: []string{"routing.yaml"}, Entries: 4, LoadedAt: pageNow.Add(-20 * time.Minute), TriedAt: pageNow.Add(-12 * time.Second), Problems: append([]string{}, b.broken...)},
		},
		Rules: []api.RuleStatus{
			{Name: "novel", File: "routing.yaml", Line: 6, Mode: "enforce", Percent: 100},
			{Name: "trial", File: "routing.yaml", Line: 7, Mode: "shadow", Percent: 100},
		},
		Evacuations: []api.Evacuation{{
			ID: "0a1b2c3d", Kind: "zone", Place: "华南/ap-guangzhou", Until: pageNow.Add(6 * time.Hour), Reason: "power",
			InForce: true, File: "routing.yaml", Line: 10,
		}},
		Protocols: []api.Protocol{{Name: "service-grpc", Routed: true}, {Name: "service-eureka", Routed: false}},
		Warnings:  []strict.Problem{strict.Warning("routing.yaml", 5, 5, "rule %q never matches", "of-another")},
		Callers:   api.Callers{Seen: 2, Requests: 100, Unmapped: 1, Share: 0.25, First: w.Strangers(), Untold: []explain.Untold{{Peer: "10.9.0.1", Reason: "unreadable", Why: `x-forwarded-for is "<b>", expected addresses`, Requests: 7}}},
		State: api.CallerStates{
			Counts: map[string]int{"empty": 2, "widened": 1, "first": 4, "shadow": 1}, Complete: true, More: 3, Notes: []string{"without those of 10.0.0.3:8091, which does not answer within 2s"},
			Kinds: []api.KindState{
				{Service: "default/novel", Rule: "novel", Kind: "qb.novel.h in 华东/ap-shanghai", State: "empty", Callers: 2, Example: netip.MustParseAddr("10.2.7.9"), Last: pageNow},
				{Service: "default/novel", Rule: "novel", Kind: "qb.novel.z in 华南/ap-shenzhen", State: "widened", Tier: "pool", Level: "all", Usable: 1, Sent: 2, Callers: 1, Example: netip.MustParseAddr("10.1.7.4"), Last: pageNow},
				{Service: "default/trial", Rule: "trial", Kind: "qb.novel.z in -", State: "shadow", Usable: 1, Sent: 1, Callers: 1, Example: netip.MustParseAddr("10.1.7.5"), Last: pageNow},
			},
		},
		Drift:       api.DriftStatus{Count: len(w.Drifts()), First: w.Drifts()},
		SeveralSETs: api.SeveralSETs{Count: len(w.WithSeveralSETs()), First: w.WithSeveralSETs()},
		Unknown: api.UnknownCallers{Callers: 1, Services: 2, First: []world.Unknown{
			{Address: "10.9.0.9", Service: "default/novel", Rule: "novel", Gets: world.GetsEveryBusiness, Requests: 7},
			{Address: "10.9.0.9", Service: "default/comic", Rule: "novel", Gets: world.GetsNothing, Requests: 1},
		}},
		Kubernetes: &sources.Status{Clusters: []sources.Cluster{
			{Name: "bj", State: sources.StateLive, Heard: pageNow, Pods: 3, Nodes: 1, First: []sources.Invalid{}, Problems: []string{}},
			{Name: "sh", State: sources.StateAway, Heard: pageNow.Add(-time.Hour), Pods: 1, Invalid: 1, First: []sources.Invalid{{Pod: "qb/bad", Why: "no SET name"}}, Problems: []string{"connection refused"}},
		}},
	}
	status.Health = api.NewHealth(status, b.Nodes(ctx))
	return status
}

func (b pageBackend) Explain(q world.Request) (explain.Explanation, error) {
	return b.World().Explain(q), nil
}
func (b pageBackend) Caller(addr netip.Addr) explain.Caller { return b.World().Caller(addr) }
func (b pageBackend) Dump(context.Context) world.Dump       { return world.NewDump(b.World(), nil, nil) }
func (b pageBackend) Reload(bool) []api.Reloaded            { return []api.Reloaded{} }
func (b pageBackend) ReloadAll(context.Context, bool) api.ClusterReload {
	return api.ClusterReload{}
}
func (b pageBackend) PublishConfigFile(string, release.Edit, configcenter.Operator) (release.Published, error) {
	return release.Published{}, configcenter.ErrAbsent
}
func (b pageBackend) ConfigRelease(string, string) (release.Released, error) {
	return release.Released{}, configcenter.ErrAbsent
}

func (b pageBackend) ConfigHistory(string) (release.History, error) {
	return release.History{}, configcenter.ErrAbsent
}

func (b pageBackend) RollbackConfigFile(string, release.Switch, configcenter.Operator) (release.Published, error) {
	return release.Published{}, configcenter.ErrAbsent
}

func (b pageBackend) StopGrayConfigFile(string, release.Switch, configcenter.Operator) (release.Published, error) {
	return release.Published{}, configcenter.ErrAbsent
}

func (b pageBackend) ConfigFile(string) (release.Saved, error) {
	return release.Saved{}, configcenter.ErrAbsent
}

func (b pageBackend) Callers(context.Context, api.CallerQuery) api.CallerList {
	return api.CallerList{Now: pageNow, Since: pageNow.Add(-5 * time.Hour), RememberSeconds: 900, Complete: true}
}

func (b pageBackend) Nodes(context.Context) api.Cluster {
	node := func(address, digest string) api.Node {
		return api.Node{Address: address, Healthy: true, Summary: &api.Summary{
			Now: pageNow, Files: []api.NodeFiles{{Kind: api.KindMapping, Digest: "0123456789ab"}, {Kind: api.KindRouting, Digest: digest, Refused: len(b.broken) > 0}},
		}}
	}
	list := []api.Node{node("10.0.0.1:8091", "aaaaaaaaaaaa"), node("10.0.0.2:8091", "aaaaaaaaaaaa")}
	list[0].Self = true
	return api.NewCluster(list, nodes.Judge(list))
}

func (b pageBackend) Matrix(_ context.Context, r matrixRequest) (api.Matrix, error) {
	r.All = true
	return matrixOf(b.World(), nil, r), nil
}

func (b pageBackend) ServiceStates(_ context.Context, q matrix.ServiceQuery) (api.ServiceStates, error) {
	return matrix.Services(b.World(), nil, q), nil
}

func (b pageBackend) Drill(_ context.Context, q world.DrillQuery) (world.Drill, error) {
	return b.World().Drill(q), nil
}

func (b pageBackend) Timeline(context.Context) api.Timeline {
	return timeline.New("10.0.0.1:8091", pageNow, pageNow.Add(-time.Hour), nil, b.changes)
}

func (b pageBackend) Changes(service string) []api.Change {
	out := []api.Change{}
	for _, c := range b.changes {
		if service == "" || c.Service == service {
			out = append(out, c)
		}
	}
	return out
}

func widenedChange(service string) api.Change {
	return api.Change{
		At: pageNow, Service: service, Rule: "novel", Kind: "qb.novel.h in 华东/ap-shanghai", Why: "instances changed", Change: "widened",
		Before: &explain.State{Answer: explain.AnswerRouted, Rule: "novel", Tier: "own", Level: "zone", Instances: 3, Usable: 3},
		After:  explain.State{Answer: explain.AnswerRouted, Rule: "novel", Tier: "pool", Level: "all", Instances: 5, Usable: 4},
	}
}
