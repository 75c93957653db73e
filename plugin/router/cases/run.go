package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/world"
)

// Run compares what the caller gets with what the test wants. Differences is
// empty where they are equal. Hosts are compared as a set: of two instances on
// one host, naming it once is enough.
func (f *File) Run(t Test) (got explain.Explanation, differences []string) {
	got = f.Explain(world.Request{Addr: t.Caller, Service: t.Service})
	rule := ""
	if got.Rule != nil {
		rule = got.Rule.Name
	}
	hosts, want := Hosts(got), slices.Compact(slices.Sorted(slices.Values(t.Want)))
	if !slices.Equal(hosts, want) {
		differences = append(differences, fmt.Sprintf("got %s, want %s", list(hosts), list(want)))
	}
	for _, c := range []struct{ what, got, want string }{
		{"rule", rule, t.Rule}, {"tier", got.Tier, t.Tier}, {"level", got.Level, t.Level},
	} {
		if c.want != "" && c.got != c.want {
			differences = append(differences, fmt.Sprintf("%s %q, want %q", c.what, c.got, c.want))
		}
	}
	if shares := sharesOf(got); len(t.Shares) > 0 && !slices.Equal(shares, t.Shares) {
		differences = append(differences, fmt.Sprintf("shares %v, want %v", shares, t.Shares))
	}
	return got, differences
}

// sharesOf returns the shares of the roads that take something, with overprovision.
func sharesOf(e explain.Explanation) (shares []int) {
	for _, c := range e.Choices {
		for _, r := range c.Roads {
			if r.Share > 0 {
				shares = append(shares, r.Share)
			}
		}
	}
	return shares
}

// Hosts returns the hosts of the instances that are sent, sorted, each once.
func Hosts(e explain.Explanation) []string {
	var out []string
	for _, i := range e.Instances {
		if i.Sent {
			out = append(out, i.Host)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func list(hosts []string) string { return "[" + strings.Join(hosts, " ") + "]" }
