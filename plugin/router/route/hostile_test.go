package route

import (
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/location"
)

// A template is filled in once: what a caller or an alias brings along is text,
// not a template, and no SET name unless it has the form of one.
func TestTemplatesAreNoBombs(t *testing.T) {
	template := func(s string) *Template {
		parsed, err := ParseTemplate(s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	label := func(v string) location.Identity {
		return location.Identity{Location: location.Location{Region: v}, Labels: map[string]string{"k": v}}
	}
	again := map[string]string{"a": "{caller.label.k|alias}", "b": "c", "c": "b"}
	for _, tt := range []struct {
		name, template string
		caller         location.Identity
		aliases        map[string]string
		want           string // what is known binds
	}{
		{"plain", "x.y.{caller.label.k}", label("z"), nil, "x.y.z"},
		{"a template in a label", "x.y.{caller.label.k}", label("{caller.region}"), nil, "x.y.*"},
		{"a template in an alias", "x.y.{caller.label.k|alias}", label("a"), again, "x.y.*"},
		{"aliases in a circle", "x.y.{caller.label.k|alias}", label("b"), again, "x.y.c"},
		{"a star that nobody wrote", "x.{caller.region}.z", label("*"), nil, "x"},
		{"more segments by a place", "x.{caller.region}.z", label("y.z"), nil, "x"},
		{"control characters", "x.y.{caller.region}", label("z\x1b[2J"), nil, "x.y.*"},
		{"a place of megabytes", strings.Repeat("{caller.region}", 50) + ".y.z", label(strings.Repeat("r", 1<<20)), nil, ""},
		{"65 characters", "x.y.{caller.region}", label(strings.Repeat("r", 65)), nil, "x.y.*"},
	} {
		if got, _ := template(tt.template).Apply(tt.caller, tt.aliases); got != tt.want {
			t.Errorf("%s: %.80q, want %q", tt.name, got, tt.want)
		}
	}
	for _, s := range []string{"{{caller.set}}", "{caller.label.{caller.set}}", "{caller.set|alias|alias}", "{caller.label.}", "{", "x.y.{caller.set"} {
		if _, err := ParseTemplate(s); err == nil || len(err.Error()) > 400 {
			t.Errorf("%s: %v, want to be refused", s, err)
		}
	}
}

// A glob of many stars against a name that it nearly matches is no work for
// hours.
func TestGlobsAreNoBombs(t *testing.T) {
	g := newGlob(strings.Repeat("*a", 1000) + "b")
	if g.match(strings.Repeat("a", 5_000)) {
		t.Error("matches")
	}
}
