package cases

import (
	"fmt"
	"slices"
	"strings"
)

// Run compares what the caller gets with what the test wants. Differences is
// empty where they are equal. Hosts are compared as a set: of two instances on
// one host, naming it once is enough.
func (f *File) Run(t Test) (got Outcome, differences []string) {
	got = f.Decide(t.Caller, t.Service)
	hosts, want := Hosts(got.Instances), slices.Compact(slices.Sorted(slices.Values(t.Want)))
	if !slices.Equal(hosts, want) {
		differences = append(differences, fmt.Sprintf("got %s, want %s", list(hosts), list(want)))
	}
	for _, c := range []struct{ what, got, want string }{
		{"rule", got.Rule, t.Rule}, {"tier", got.Tier, t.Tier}, {"level", got.Level, t.Level},
	} {
		if c.want != "" && c.got != c.want {
			differences = append(differences, fmt.Sprintf("%s %q, want %q", c.what, c.got, c.want))
		}
	}
	return got, differences
}

// Hosts returns the hosts of instances, sorted, each once.
func Hosts(instances []Instance) []string {
	var out []string
	for _, i := range instances {
		out = append(out, i.Host)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func list(hosts []string) string { return "[" + strings.Join(hosts, " ") + "]" }
