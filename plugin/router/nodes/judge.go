package nodes

import (
	"fmt"
	"slices"
	"time"

	"github.com/polaris-contrib/setrouter/internal/plural"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// skew is by how much clocks may differ: evacuations end by them.
const skew = 10 * time.Second

// nacosSkew is by how much the clocks of nodes may differ that serve Nacos clients.
const nacosSkew = time.Second

// Quiet is how long nothing has changed in the store when counts are compared:
// caches follow the store each second, and differ for a moment after every change.
const Quiet = 10 * time.Second

// followTime is how long nodes may differ after one of them has loaded files: they look
// for changes at different moments.
const followTime = 5 * time.Second

// Judge says why nodes do not agree. Without a reason they give equal lists, except
// for nodes that have a gray release, and as far as counts tell of instances. A
// node that does not answer disagrees while Polaris takes it for healthy.
func Judge(list []api.Node) []api.Difference {
	v := verdict{reasons: []api.Difference{}}
	var heard []api.Node
	for _, n := range list {
		switch {
		case n.Summary != nil:
			heard = append(heard, n)
		case n.Stock && (n.Healthy || n.Self):
			v.add(api.AboutStock, n, "%s", n.Problem)
		case n.Healthy || n.Self:
			v.add(api.AboutSilent, n, "%s", n.Problem)
		}
	}
	for _, kind := range []string{api.KindMapping, api.KindRouting} {
		for _, n := range heard {
			v.addFaults(n, kind, anyHas(heard, kind))
		}
		gray := func(n api.Node) bool { return n.Summary.FilesOf(kind).Gray }
		full := slices.DeleteFunc(slices.Clone(heard), gray) // a gray release differs on purpose
		if slices.ContainsFunc(full, func(n api.Node) bool { return isLoading(n, kind) }) {
			continue
		}
		v.compare(api.AboutFiles, kind+" files in force", full, func(n api.Node) string { return n.Summary.FilesOf(kind).Digest })
	}
	v.compare(api.AboutSettings, "settings under plugin.location or plugin.router", heard, func(n api.Node) string { return n.Summary.Settings })
	v.compare(api.AboutCode, "code", heard, func(n api.Node) string { return n.Summary.Version })
	if areQuiet(heard) {
		v.compare(api.AboutInstances, fmt.Sprintf("instances in its cache, and nothing was changed for %.0f s", Quiet.Seconds()), heard, func(n api.Node) string {
			return fmt.Sprintf("%d (%s)", n.Summary.Instances, plural.Count(n.Summary.Services, "service", "services"))
		})
	}
	v.compareClocks(heard)
	return v.reasons
}

// compareClocks adds the nodes whose clock differs from that of the node that was asked.
// Nacos clients take no list that is older, by the clocks of the nodes, than the one they
// have: where several nodes serve them, less is too much.
func (v *verdict) compareClocks(list []api.Node) {
	ofNacos := 0
	for _, n := range list {
		if n.Summary.Nacos {
			ofNacos++
		}
	}
	for _, n := range list {
		apart, direction := time.Duration(n.AheadSeconds*float64(time.Second)), "ahead"
		if apart < 0 {
			apart, direction = -apart, "behind"
		}
		switch {
		case apart > skew:
			v.add(api.AboutClock, n, "has a clock that is %.0f s %s", apart.Seconds(), direction)
		case apart > nacosSkew && n.Summary.Nacos && ofNacos > 1:
			v.add(api.AboutClock, n, "has a clock that is %.1f s %s: Nacos clients that change nodes may keep an old list for so long", apart.Seconds(), direction)
		}
	}
}

// isLoading reports whether a node has just loaded files of a kind, which the others may
// be about to load.
func isLoading(n api.Node, kind string) bool {
	f := n.Summary.FilesOf(kind)
	return !f.LoadedAt.IsZero() && n.Summary.Now.Sub(f.LoadedAt) < followTime
}

// verdict gathers the reasons why nodes do not agree.
type verdict struct{ reasons []api.Difference }

func (v *verdict) add(about api.About, n api.Node, format string, args ...any) {
	v.reasons = append(v.reasons, api.Difference{About: about, Node: n.Address, Text: n.Address + " " + fmt.Sprintf(format, args...)})
}

// compare adds the nodes that have another value than the most common value. Empty
// values do not count.
func (v *verdict) compare(about api.About, what string, list []api.Node, value func(api.Node) string) {
	most, count := common(list, value)
	for _, n := range list {
		if got := value(n); got != "" && got != value(most) {
			v.add(about, n, "has other %s: %s against %s of %s", what, got, value(most), count)
		}
	}
}

// addFaults adds what is wrong with the files of a kind on a node by itself.
func (v *verdict) addFaults(n api.Node, kind string, wanted bool) {
	f := n.Summary.FilesOf(kind)
	switch {
	case f.Digest == "" && (f.Refused || wanted):
		v.add(api.AboutFiles, n, "has no %s files in force", kind)
	case f.Copy:
		v.add(api.AboutCopy, n, "has its copy on disk of %s files in force", kind)
	case f.Refused:
		v.add(api.AboutRefused, n, "refuses %s files, and goes on with those of before", kind)
	}
}

// areQuiet reports whether no node has seen a change lately. A node that was cut
// off from the store is quiet, too.
func areQuiet(list []api.Node) bool {
	return !slices.ContainsFunc(list, func(n api.Node) bool {
		return n.Summary.Changed.Unix() <= 0 || n.Summary.Now.Sub(n.Summary.Changed) < Quiet
	})
}

func anyHas(list []api.Node, kind string) bool {
	for _, n := range list {
		if n.Summary.FilesOf(kind).Digest != "" {
			return true
		}
	}
	return false
}

// common returns the first of the nodes that have the most common value, and how
// to name these nodes. Empty values do not count.
func common(list []api.Node, value func(api.Node) string) (most api.Node, name string) {
	if len(list) == 0 {
		return api.Node{}, ""
	}
	counts := map[string]int{}
	for _, n := range list {
		counts[value(n)]++
	}
	most = list[0]
	best := 0
	for _, n := range list {
		if c := counts[value(n)]; value(n) != "" && c > best {
			most, best = n, c
		}
	}
	if best > 1 {
		return most, fmt.Sprintf("%d nodes", best)
	}
	return most, most.Address
}
