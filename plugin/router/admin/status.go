package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/configcenter"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/serverfiles"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// state is the State of a running server.
type state struct{ *router.Server }

// shown bounds the lists in a status.
const shown = 50

// Status looks at every instance and caller: it is for operators, not for
// requests.
func (s state) Status() api.Status {
	rules, now, w := s.Rules(), s.Now(), s.World()
	drifts := w.Drifts()
	out := api.Status{
		Now: now, Started: clock.AsOf(now, s.Started()), FailOpen: s.Config().FailOpen,
		Files: []api.Files{}, Rules: ruleStatuses(rules), Evacuations: evacuations(rules, w), Protocols: s.Protocols(),
		Callers: callersIn(w), Drift: api.DriftStatus{Count: len(drifts), First: first(drifts)},
	}
	for _, f := range s.Files() {
		out.Files = append(out.Files, filesStatus(f.Kind, f.Status(), now))
	}
	var lints strict.Problems
	rules.Lint(s.Table(), &lints)
	out.Warnings = append([]strict.Problem{}, first(lints.List())...)
	if pods := s.Pods(); pods.Source != nil {
		status := pods.Status(now)
		out.Kubernetes = &status
	}
	return out
}

func ruleStatuses(rules *route.Rules) []api.RuleStatus {
	out := []api.RuleStatus{}
	for _, r := range rules.All() {
		status := api.RuleStatus{Name: r.Name, File: r.File, Line: r.Line, Mode: r.Mode(), Percent: float64(r.Rollout) / 100, By: r.RolloutBy()}
		if r.IsAddress() {
			status.Target = r.Target.String()
		}
		out = append(out, status)
	}
	return out
}

func evacuations(rules *route.Rules, w *world.World) []api.Evacuation {
	out := []api.Evacuation{}
	for _, e := range rules.Evacuations(time.Time{}) {
		out = append(out, api.Evacuation{
			ID: e.ID(), Kind: e.Kind(), Place: e.Place(), Until: e.Until, Reason: e.Reason, InForce: e.Until.After(w.Now),
			File: e.File, Line: e.Line, Instances: w.CountTakenOut(e),
		})
	}
	return out
}

func filesStatus(kind string, s serverfiles.Status, now time.Time) api.Files {
	f := api.Files{
		Kind: kind, Names: append([]string{}, s.InForce...), Entries: s.Count, Problems: []string{},
		LoadedAt: clock.AsOf(now, s.LoadedAt), TriedAt: clock.AsOf(now, s.TriedAt),
		Releases: append([]release.Release{}, s.Releases...),
	}
	if !s.CopiedAt.IsZero() {
		f.Copy = &s.CopiedAt
	}
	if s.CopyErr != nil {
		f.CopyProblem = s.CopyErr.Error()
	}
	if faults, ok := errors.AsType[strict.Error](s.Err); ok {
		f.Problems = faults.Lines()
	} else if s.Err != nil {
		f.Problems = append(f.Problems, s.Err.Error())
	}
	return f
}

func callersIn(w *world.World) api.Callers {
	c := api.Callers{Seen: len(w.Seen)}
	for _, s := range w.Seen {
		c.Requests += s.Requests
	}
	strangers := w.Strangers()
	c.Unmapped, c.First = len(strangers), first(strangers)
	for _, s := range strangers {
		c.Share += s.Share
	}
	return c
}

func first[T any](list []T) []T { return list[:min(len(list), shown)] }

// Reload loads mapping and routing files now. With force it takes them into
// force whatever would be lost.
func (s state) Reload(force bool) []api.Reloaded {
	out := []api.Reloaded{}
	for _, f := range s.Files() {
		err := f.Reload(force)
		status := filesStatus(f.Kind, f.Status(), s.Now())
		out = append(out, api.Reloaded{Kind: f.Kind, OK: err == nil, Entries: status.Entries, Problems: status.Problems})
	}
	return out
}

// Dump is the state of the server in a form that can be read again, with the
// files in force.
func (s state) Dump() world.Dump {
	files := map[string][]strict.File{}
	for _, f := range s.Files() {
		files[f.Kind] = f.Files()
	}
	return world.NewDump(s.World(), files["mapping"], files["routing"])
}

// Nodes asks all server nodes, and says whether they agree.
func (s state) Nodes(ctx context.Context) api.Cluster { return nodes.Ask(ctx, s.Server) }

// ConfigFile returns a source in the config center as it is saved there,
// published or not. Files that are no sources stay under the auth of the config
// center.
func (s state) ConfigFile(name string) (release.Saved, error) {
	if !slices.Contains(s.Config().ConfigFiles(), name) {
		return release.Saved{}, fmt.Errorf("%w: %q is not among the files in the server's configuration", configcenter.ErrAbsent, name)
	}
	return configcenter.Local.Saved(name)
}
