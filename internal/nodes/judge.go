package nodes

import (
	"fmt"
	"slices"
	"time"
)

// Skew is by how much clocks may differ: evacuations end by them.
const Skew = 10 * time.Second

// Quiet is how long nothing has changed in the store when counts are compared:
// caches follow it each second, and differ for a moment after every change.
const Quiet = 10 * time.Second

// Judge says why nodes do not agree; no reason: they give equal lists, but for
// nodes that have a gray release, and as far as counts tell of instances. A node
// that does not answer is one while Polaris holds it for healthy.
func Judge(list []Node) []string {
	reasons := []string{}
	say := func(n Node, format string, args ...any) {
		reasons = append(reasons, n.Address+" "+fmt.Sprintf(format, args...))
	}
	var heard []Node
	for _, n := range list {
		switch {
		case n.Summary != nil:
			heard = append(heard, n)
		case n.Healthy || n.Self:
			say(n, "%s", n.Problem)
		}
	}
	compare := func(what string, list []Node, of func(Node) string) {
		most, count := common(list, of)
		for _, n := range list {
			if digest := of(n); digest != "" && digest != of(most) {
				say(n, "has other %s: %s against %s of %s", what, digest, of(most), count)
			}
		}
	}
	for _, kind := range []string{Mapping, Routing} {
		for _, n := range heard {
			sayOfFiles(n, kind, anyHas(heard, kind), say)
		}
		gray := func(n Node) bool { return n.Summary.Of(kind).Gray }
		full := slices.DeleteFunc(slices.Clone(heard), gray) // a gray release differs on purpose
		compare(kind+" files in force", full, func(n Node) string { return n.Summary.Of(kind).Digest })
	}
	compare("settings under plugin.location or plugin.router", heard, func(n Node) string { return n.Summary.Settings })
	compare("code", heard, func(n Node) string { return n.Summary.Version })
	if quiet(heard) {
		compare(fmt.Sprintf("instances in its cache, and nothing was changed for %.0f s", Quiet.Seconds()), heard, func(n Node) string {
			return fmt.Sprintf("%d (%d services)", n.Summary.Instances, n.Summary.Services)
		})
	}
	for _, n := range heard {
		switch {
		case n.AheadSeconds > Skew.Seconds():
			say(n, "has a clock that is %.0f s ahead", n.AheadSeconds)
		case n.AheadSeconds < -Skew.Seconds():
			say(n, "has a clock that is %.0f s behind", -n.AheadSeconds)
		}
	}
	return reasons
}

// quiet tells whether no node has heard of a change lately. One that was cut off
// from the store is quiet, too.
func quiet(list []Node) bool {
	return !slices.ContainsFunc(list, func(n Node) bool {
		return n.Summary.Changed.Unix() <= 0 || n.Summary.Now.Sub(n.Summary.Changed) < Quiet
	})
}

// sayOfFiles says what is wrong with the files of a kind on a node by itself.
func sayOfFiles(n Node, kind string, wanted bool, say func(Node, string, ...any)) {
	f := n.Summary.Of(kind)
	switch {
	case f.Digest == "" && (f.Refused || wanted):
		say(n, "has no %s files in force", kind)
	case f.Copy:
		say(n, "has its copy on disk of %s files in force", kind)
	case f.Refused:
		say(n, "refuses %s files, and goes on with those of before", kind)
	}
}

func anyHas(list []Node, kind string) bool {
	for _, n := range list {
		if n.Summary.Of(kind).Digest != "" {
			return true
		}
	}
	return false
}

// common is the first node of those with the most common value, and how they are
// to be named. Empty values do not count.
func common(list []Node, of func(Node) string) (most Node, count string) {
	if len(list) == 0 {
		return Node{}, ""
	}
	counts := map[string]int{}
	for _, n := range list {
		counts[of(n)]++
	}
	most = list[0]
	best := 0
	for _, n := range list {
		if c := counts[of(n)]; of(n) != "" && c > best {
			most, best = n, c
		}
	}
	if best > 1 {
		return most, fmt.Sprintf("%d nodes", best)
	}
	return most, most.Address
}
