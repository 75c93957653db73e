package route

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A key with nothing behind it is refused, wherever it stands: nobody writes one and
// means nothing.
func TestLoadRefusesNothing(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"when", "rules:\n  - name: r\n    service: d/s\n    when:", `a.yaml:5:10: found nothing, expected keys and values, or no key when for every caller`},
		{"when.labels", "rules:\n  - name: r\n    service: d/s\n    when: {labels: }", `a.yaml:5:20: found nothing, expected keys and values, or no key labels for any`},
		{"when.serviceMetadata", "rules:\n  - name: r\n    service: d/s\n    when: {serviceMetadata: ~}", `a.yaml:5:29: found nothing, expected keys and values, or no key serviceMetadata for any`},
		{"when.set", "rules:\n  - name: r\n    service: d/s\n    when: {set: }", `a.yaml:5:17: found nothing, expected a text`},
		{"when.ip", "rules:\n  - name: r\n    service: d/s\n    when: {ip: }", `a.yaml:5:16: found nothing, expected a text`},
		{"nearby", "rules:\n  - name: r\n    service: d/s\n    nearby:", `a.yaml:5:12: found nothing, expected keys and values, or {} for the defaults`},
		{"degrade", "rules:\n  - name: r\n    service: d/s\n    set: {}\n    degrade:", `a.yaml:6:13: found nothing, expected keys and values, or {} for the defaults`},
		{"degrade.minUsable", "rules:\n  - name: r\n    service: d/s\n    set: {}\n    degrade: {minUsable: }", `a.yaml:6:26: found nothing, expected a whole number from 0 to 1000000`},
		{"order", "rules:\n  - name: r\n    service: d/s\n    set: {}\n    order:", `a.yaml:6:11: found nothing, expected a list`},
		{"rollout", "rules:\n  - name: r\n    service: d/s\n    set: {}\n    rollout:", `a.yaml:6:13: found nothing, expected keys and values, or no key rollout for 100 percent`},
		{"rollout of an address", "addresses:\n  - service: d/a\n    target: d/s\n    set: {callee: a.b.c}\n    rollout:", `a.yaml:6:13: found nothing, expected keys and values, or no key rollout for 100 percent`},
		{"aliases", "aliases:", `a.yaml:2:9: found nothing, expected keys and values, or no key aliases`},
		{"aliases, and a template that uses them", "aliases:\nrules: [{name: r, service: d/s, set: {caller: \"a.b.{caller.zone|alias}\"}}]", `a.yaml:2:9: found nothing, expected keys and values, or no key aliases`},
		{"an alias, and a template that uses it", "aliases: {SH: \"\"}\nrules: [{name: r, service: d/s, set: {caller: \"a.b.{caller.zone|alias}\"}}]", `a.yaml:2:15: alias "SH" is empty, expected the text to put in its place`},
		{"no alias, and a template that uses one", "aliases: {}\nrules: [{name: r, service: d/s, set: {caller: \"a.b.{caller.zone|alias}\"}}]", `a.yaml:3:47: the template uses |alias, but no file has aliases: {from: to}`},
		{"places", "places:", `a.yaml:2:8: found nothing, expected keys and values, or no key places`},
		{"a map of places", "places: {m: }", `a.yaml:2:13: found nothing, expected keys and values, or no map "m"`},
		{"an entry of a map", "places: {m: {\"*\": }}", `a.yaml:2:19: found nothing, expected a list`},
		{"defaults", "defaults:", `a.yaml:2:10: found nothing, expected keys and values, or no key defaults`},
		{"defaults.set", "defaults: {set: }", `a.yaml:2:17: found nothing, expected keys and values, or no key set for the defaults`},
		{"defaults.nearby", "defaults: {nearby: }", `a.yaml:2:20: found nothing, expected keys and values, or no key nearby for the defaults`},
		{"defaults.degrade", "defaults: {degrade: }", `a.yaml:2:21: found nothing, expected keys and values, or {} for the defaults`},
		{"naming", "naming:", `a.yaml:2:8: found nothing, expected keys and values, or no key naming`},
		{"naming.values", "naming: {segments: [a, b, c], values: }", `a.yaml:2:39: found nothing, expected keys and values, or no key values for any`},
		{"values of a segment", "naming: {segments: [a, b, c], values: {a: }}", `a.yaml:2:43: found nothing, expected a list`},
		{"evacuate", "evacuate:", `a.yaml:2:10: found nothing, expected a list`},
		{"rules", "rules:", `a.yaml:2:7: found nothing, expected a list`},
		{"addresses", "addresses:", `a.yaml:2:11: found nothing, expected a list`},
		{"an anchor is one fault", "rules:\n  - name: r\n    service: d/s\n    set: {}\n    rollout: &x {percent: 1}", `a.yaml:6:14: YAML anchors and aliases are not supported; write each value out`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, got := load(t, "version: 1\n"+tt.in+"\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}
