package table_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/polaris-contrib/setrouter/internal/table"
)

func TestColumnsByWidth(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"Chinese":            {"华东\tsh\tx\nr\t上海一区\ty\n", "华东  sh        x\nr     上海一区  y\n"},
		"full width":         {"ＡＢ\tx\nabcd\ty\n", "ＡＢ  x\nabcd  y\n"},
		"an accent apart":    {"e\u0301\tx\nab\ty\n", "e\u0301   x\nab  y\n"},
		"a line between":     {"a\tb\nnote\nlong\tb\n", "a  b\nnote\nlong  b\n"},
		"no end of the line": {"a\tb", "a  b"},
		"nothing":            {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			w := table.New(&b)
			fmt.Fprint(w, c.text)
			if b.Len() > 0 {
				t.Errorf("%q is written before Flush", b.String())
			}
			for range 2 { // the second one has nothing to write
				if err := w.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestErrorOfWriter(t *testing.T) {
	w := table.New(broken{})
	fmt.Fprint(w, "a\tb\n")
	if err := w.Flush(); !errors.Is(err, errBroken) {
		t.Errorf("Flush returns %v, want %v", err, errBroken)
	}
}

// Where every character is one cell wide, text/tabwriter writes the same.
func TestAsTabwriter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab é\t\t\t\n\n"))).Draw(t, "text") + "\n"
		var got, want strings.Builder
		ours, theirs := table.New(&got), tabwriter.NewWriter(&want, 0, 0, 2, ' ', 0)
		fmt.Fprint(ours, text)
		fmt.Fprint(theirs, text)
		ours.Flush()
		theirs.Flush()
		if got.String() != want.String() {
			t.Errorf("%q: got\n%q\nwant\n%q", text, got.String(), want.String())
		}
	})
}
