package matrix

import (
	"fmt"
	"strings"
	"testing"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// The worst kinds are listed, as many as were asked for; the others are counted.
func TestListed(t *testing.T) {
	for most, want := range map[int]string{0: "", 1: "empty/9 and 2", 3: "empty/9 widened/5 first/7"} {
		l := listed{most: most}
		for _, k := range []api.KindState{{State: "first"}, {State: "empty"}, {State: "widened"}} {
			l.note(&List{Kind: &k, Callers: map[string]int{"first": 7, "empty": 9, "widened": 5}[k.State]})
		}
		var m api.Matrix
		l.put(&m)
		var got []string
		for _, k := range m.Kinds {
			got = append(got, fmt.Sprintf("%s/%d", k.State, k.Callers))
		}
		if m.MoreKinds > 0 {
			got = append(got, fmt.Sprint("and ", m.MoreKinds))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%d at most: %q, want %q", most, text, want)
		}
	}
}
