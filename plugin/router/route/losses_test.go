package route

import (
	"fmt"
	"strings"
	"testing"
)

// A reload loses rules by name, and lane addresses by service.
func TestLosses(t *testing.T) {
	file := func(entries ...string) string {
		var rules, addresses strings.Builder
		for _, e := range entries {
			if service, ok := strings.CutPrefix(e, "@"); ok {
				fmt.Fprintf(&addresses, "  - {service: d/%s, target: d/t, set: {callee: a.b.c}}\n", service)
			} else {
				fmt.Fprintf(&rules, "  - {name: %s, service: d/%s, nearby: {}}\n", e, e)
			}
		}
		text := "version: 1\nrules:\n" + rules.String()
		if addresses.Len() > 0 {
			text += "addresses:\n" + addresses.String()
		}
		return text
	}
	const end = "; more than 30% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force"
	for _, tt := range []struct {
		name          string
		before, after []string
		gone          []string
		want          string
	}{
		{"nothing", []string{file("a", "b", "@x")}, []string{file("a", "b", "@x")}, nil, "<nil>"},
		{"moved, changed and joined by others", []string{file("a", "b", "@x")}, []string{file("c"), file("b", "a", "@x", "@y")}, nil, "<nil>"},
		{"two rules of six", []string{file("a", "b", "c", "d", "e", "f")}, []string{file("a", "c", "d", "f")}, nil, "refused: 2 of 6 rules would be lost (33.4%), as rule \"b\" of a.yaml:4" + end},
		{"three rules of ten", []string{file("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")}, []string{file("a", "b", "c", "d", "e", "f", "g")}, nil, "<nil>"},
		{"cut between rules and addresses", []string{file("a", "b", "c", "d", "e", "@x")}, []string{file("a", "b", "c", "d", "e")}, nil,
			"refused: 1 of 1 lane addresses would be lost (100%), as address \"d/x\" of a.yaml:9" + end},
		{"cut between two rules", []string{file("a", "b", "c", "@x")}, []string{file("a")}, nil,
			"refused: 2 of 3 rules would be lost (66.7%), as rule \"b\" of a.yaml:4; 1 of 1 lane addresses would be lost (100%), as address \"d/x\" of a.yaml:7" + end},
		{"a new name is another rule", []string{file("a", "b", "c")}, []string{file("a", "b", "d")}, nil, "refused: 1 of 3 rules would be lost (33.4%), as rule \"c\" of a.yaml:5" + end},
		{"a rule with the name of an address", []string{file("a", "@x")}, []string{"version: 1\nrules: [{name: a, service: d/a, nearby: {}}, {name: d/x, service: d/x, nearby: {}}]\n"}, nil,
			"refused: 1 of 1 lane addresses would be lost (100%), as address \"d/x\" of a.yaml:5" + end},
		{"a file that is gone with one rule of ten", []string{file("a", "b", "c", "d", "e", "f", "g", "h", "i"), file("j")}, []string{file("a", "b", "c", "d", "e", "f", "g", "h", "i")}, []string{"b.yaml"},
			"b.yaml: is gone, and 1 entry with it; put it back, or if that is meant, setctl reload --force"},
		{"all rules", []string{file("a")}, []string{"version: 1\n"}, nil, "refused: 1 of 1 rules would be lost (100%), as rule \"a\" of a.yaml:3" + end},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, fault := load(t, tt.before...)
			after, otherFault := load(t, tt.after...)
			if fault+otherFault != "" {
				t.Fatal(fault, otherFault)
			}
			if got := fmt.Sprint(before.Losses(after).Check(30, tt.gone)); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
	if got := (*Rules)(nil).Losses(nil).Check(0, nil); got != nil {
		t.Errorf("without rules: %v", got)
	}
}
