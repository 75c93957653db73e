package admin

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/internal/configcenter/release"
	"github.com/polaris-contrib/setrouter/internal/httpfiles"
	"github.com/polaris-contrib/setrouter/internal/observe"
	"github.com/polaris-contrib/setrouter/internal/plural"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/nodes"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
	"github.com/polaris-contrib/setrouter/plugin/router/view"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// maxListed is how many elements a list in a status has at most. The number that
// stands beside a list counts all.
const maxListed = 50

func firstOf[T any](list []T) []T { return list[:min(len(list), maxListed)] }

// Status looks at every instance and caller: it is for operators, not for
// requests.
func (b serverBackend) Status(ctx context.Context) api.Status {
	rules, now, w := b.Rules(), b.Now(), b.World()
	drifts, several, unknown := w.Drifts(), w.WithSeveralSETs(), w.Unknown(b.UnknownRequests())
	status := api.Status{
		Now: now, Started: clock.AsOf(now, b.Started()), FailOpen: b.Config().FailOpen, ShrinkGuardPercent: b.Config().ShrinkGuardPercent,
		Backing: b.Backing(), Files: []api.Files{}, Rules: ruleStatuses(rules), Evacuations: evacuations(w, b.reaches.of(w)), Protocols: b.Protocols(),
		Callers: callersStatus(w), Drift: api.DriftStatus{Count: len(drifts), First: firstOf(drifts)},
		SeveralSETs: api.SeveralSETs{Count: len(several), First: firstOf(several)},
		Unknown:     api.UnknownCallers{First: firstOf(unknown)},
	}
	var cluster api.Cluster
	var asking sync.WaitGroup
	asking.Go(func() { observe.Safely("asking the nodes", func() { cluster = b.Nodes(ctx) }) })
	status.State = nodes.CallersNow(ctx, b.Server)
	status.Load = b.loadStatus(w, status.State)
	status.State.Cut(maxListed)
	status.Callers.Untold = firstOf(b.Untold(netip.Addr{}))
	status.Unknown.Callers, status.Unknown.Services = world.CountUnknown(unknown, "")
	for _, files := range b.Files() {
		status.Files = append(status.Files, filesStatus(files, now))
	}
	status.Warnings = append([]strict.Problem{}, firstOf(warnings(append(b.fileWarnings(w, unknown), noRoom(b.Kept(), now)...), w, b.Remarks()))...)
	if pods := b.Pods(); pods.Source != nil {
		kubernetes := pods.Status(now)
		for i := range kubernetes.Clusters {
			c := &kubernetes.Clusters[i]
			c.Problems = append(c.Problems, b.Config().Kubernetes.CheckPlaces(c.Name, w.Table.CheckLocation)...)
		}
		status.Kubernetes = &kubernetes
	}
	asking.Wait()
	status.Health = api.NewHealth(status, cluster)
	return status
}

// loadStatus returns what roads carry by the callers of all nodes.
func (b serverBackend) loadStatus(w *world.World, s api.CallerStates) api.LoadStatus {
	asked := s.Counts[string(route.StateFirst)]+s.Counts[string(route.StateWidened)] > 0
	return api.NewLoadStatus(b.Loads(w, s.Kinds), asked, maxListed)
}

// fileWarnings returns the warnings of the files in force. That rules give every business
// to callers of whose SET nothing is known is one warning: of the callers seen lately, or
// else what `setctl check` says of the files.
func (b serverBackend) fileWarnings(w *world.World, unknown []world.Unknown) []strict.Problem {
	files, ofUnknown := b.lints.of(w.Rules, w.Table, b.Config())
	var seen strict.Problems
	if world.WarnOfUnknown(unknown, &seen) {
		ofUnknown = seen.List()
	}
	var ofDisk []strict.Problem
	for _, kind := range b.Files() {
		ofDisk = append(ofDisk, kind.Status().Warnings...)
	}
	return slices.Concat(ofDisk, ofUnknown, files)
}

// warnings returns the warnings of the files in force, of what they mean for the services
// that there are, and of the lists that callers get.
func warnings(files []strict.Problem, w *world.World, remarks []view.Remark) []strict.Problem {
	var found strict.Problems
	for _, lint := range files {
		found.Add(lint)
	}
	w.WarnOfTargets(&found)
	w.WarnOfEvacuations(&found)
	w.WarnOfNaming(&found)
	warnOfLists(remarks, &found)
	return found.List()
}

// noRoomFor is how long the status warns after there was no room for a list.
const noRoomFor = 10 * time.Minute

// noRoom returns a warning if there was no room for a list lately.
func noRoom(kept view.Kept, now time.Time) []strict.Problem {
	if kept.LastFull.IsZero() || now.Sub(kept.LastFull) > noRoomFor {
		return nil
	}
	return []strict.Problem{strict.Warning("", 0, 0,
		"there is no room for more lists: %d are kept, in the %d MB of viewsMB; the others are made anew for each request, which costs processor time; expected plugin.router.option.viewsMB: %d or more, or fewer kinds of callers that ask for every service",
		kept.Views, kept.Limit>>20, 2*kept.Limit>>20)}
}

// warnOfLists adds what is remarkable about the lists that callers get.
func warnOfLists(remarks []view.Remark, warnings *strict.Problems) {
	for _, r := range remarks {
		if r.LastResort > 0 {
			warnings.Add(strict.Warning(r.Rule.File, r.Rule.Line, r.Rule.Col,
				"rule %q: evacuations do not count for %s of %q, as %q: without the evacuated instances no road has a usable one", r.Rule.Name, plural.Count(r.LastResort, "kind of callers", "kinds of callers"), r.Service, r.Example))
		}
		if r.SETs > 0 {
			warnings.Add(strict.Warning(r.Rule.File, r.Rule.Line, r.Rule.Col,
				"rule %q: an answer for %q is joined of %d SETs, more than %d; is {each} too wide?", r.Rule.Name, r.Service, r.SETs, view.ManySETs))
		}
		if left := r.LeftOut.String(); left != "" {
			warnings.Add(strict.Warning(r.Rule.File, r.Rule.Line, r.Rule.Col,
				"rule %q: of the instances of %q, xDS clients do not get %s", r.Rule.Name, r.Service, left))
		}
	}
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

// evacuations returns all evacuations of the files in force, also those that have not
// begun or have ended.
func evacuations(w *world.World, reach []world.Reach) []api.Evacuation {
	out := []api.Evacuation{}
	for n, e := range w.Rules.AllEvacuations() {
		entry := api.Evacuation{
			ID: e.ID(), Kind: e.Kind(), Place: e.Place(), Until: e.Until, Reason: e.Reason, InForce: e.InForce(w.Now),
			File: e.File, Line: e.Line, Instances: w.CountTakenOut(e), Reach: reach[n],
		}
		if !e.From.IsZero() {
			entry.From = &e.From
		}
		out = append(out, entry)
	}
	return out
}

func filesStatus(files router.Files, now time.Time) api.Files {
	s := files.Status()
	status := api.Files{
		Kind: files.Kind, Names: append([]string{}, s.InForce...), Entries: s.Count, Problems: strict.Lines(s.Err),
		LoadedAt: clock.AsOf(now, s.LoadedAt), TriedAt: clock.AsOf(now, s.TriedAt),
		Releases: append([]release.Release{}, s.Releases...), Fetches: fetchesStatus(s.Fetches),
	}
	if !s.CopiedAt.IsZero() {
		status.Copy = &s.CopiedAt
	}
	if s.CopyErr != nil {
		status.CopyProblem = s.CopyErr.Error()
	}
	return status
}

func fetchesStatus(fetches []httpfiles.Fetch) []api.Fetch {
	out := []api.Fetch{}
	for _, f := range fetches {
		entry := api.Fetch{Address: f.Address}
		if !f.FetchedAt.IsZero() {
			entry.FetchedAt = &f.FetchedAt
		}
		if f.Err != nil {
			entry.Problem = f.Err.Error()
		}
		out = append(out, entry)
	}
	return out
}

func callersStatus(w *world.World) api.Callers {
	status := api.Callers{Seen: len(w.Seen), Untold: []explain.Untold{}}
	for _, seen := range w.Seen {
		status.Requests += seen.Requests
	}
	strangers := w.Strangers()
	status.Unmapped, status.First = len(strangers), firstOf(strangers)
	for _, stranger := range strangers {
		status.Share += stranger.Share
	}
	return status
}
