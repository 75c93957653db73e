package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	somePattern = rapid.StringMatching(`(a|b|a\*|\*|\?|\*b|Polaris)/[ab*?]{1,4}`)
	someName    = rapid.Custom(func(t *rapid.T) Service {
		return Service{rapid.SampledFrom([]string{"a", "b", "ab", "Polaris", "a/b"}).Draw(t, "namespace"), rapid.StringMatching(`[ab/]{1,4}`).Draw(t, "name")}
	})
)

// The index finds the rules that looking at every rule finds, in their order.
func TestIndexFindsEveryRule(t *testing.T) { rapid.Check(t, indexFindsEveryRule) }

func indexFindsEveryRule(t *rapid.T) {
	var rules []*Rule
	for n := range rapid.IntRange(0, 12).Draw(t, "rules") {
		rule := &Rule{Name: fmt.Sprint(n)}
		for _, text := range rapid.SliceOfN(somePattern, 1, 3).Draw(t, "services") {
			p, err := parsePattern(text)
			if err != nil {
				t.Fatal(err)
			}
			rule.services = append(rule.services, p)
		}
		rules = append(rules, rule)
	}
	name := Name{Service: someName.Draw(t, "asked"), Read: rapid.SliceOfN(someName, 0, 2).Draw(t, "read")}
	var want, got []string
	for _, rule := range rules {
		if rule.matchesService(name) {
			want = append(want, rule.Name)
		}
	}
	x := newIndex(rules)
	s := x.search(name)
	for rule := s.next(); rule != nil; rule = s.next() {
		got = append(got, rule.Name)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%+v: rules %v, want %v", name, got, want)
	}
}

func TestTextIndex(t *testing.T) {
	candidates := map[string][]candidate{}
	for _, text := range []string{"a", "abc", "abcd", "abd", "b", "ba", "bb"} {
		candidates[text] = nil
	}
	x := newTextIndex(candidates)
	for _, test := range []struct{ name, want string }{
		{"", ""}, {"a", "a"}, {"ab", "a"}, {"abc", "abc a"}, {"abce", "abc a"}, {"abcde", "abcd abc a"}, {"abe", "a"}, {"ac", "a"}, {"bab", "ba b"}, {"bc", "b"}, {"c", ""},
	} {
		var got []string
		for n := x.longest([]byte(test.name)); n >= 0; n = x[n].shorter {
			got = append(got, x[n].text)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q begins with %v, want %s", test.name, got, test.want)
		}
	}
}
