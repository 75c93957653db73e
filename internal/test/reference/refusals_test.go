package reference

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// What the page says of types and ranges is so: a value of another type, another word,
// and a value beyond the range are refused where they stand.
func TestRangesAndTypes(t *testing.T) {
	tried := 0
	for _, k := range kinds {
		values := k.study(t)
		begin := 0
		for _, name := range k.examples {
			text := example(t, name)
			count := len(valuesOf(t, text))
			for n, v := range values[begin : begin+count] {
				for _, wrong := range v.wrong() {
					tried++
					k.refuses(t, name, text, n, v.path, wrong)
				}
			}
			begin += count
		}
	}
	if tried < 200 {
		t.Errorf("%d values were tried", tried)
	}
}

// wrong returns values that are refused in the place of v, as YAML.
func (v *value) wrong() (out []string) {
	if v.node.Kind != yaml.ScalarNode || v.form == "" {
		return nil
	}
	out = []string{"{a: {}}"}
	if v.words != nil {
		out = append(out, "no-such-word")
	}
	switch {
	case v.form == "true or false":
		out = append(out, "maybe")
	case v.low != nil:
		out = append(out, beyond(v.low, -1), beyond(v.high, +1), "x")
	case slices.Contains([]string{"SET name", "address", "address, prefix or range", "time with its zone", "service", "template"}, v.form):
		out = append(out, `"?"`)
	}
	return out
}

// beyond returns the value before or after another one.
func beyond(v any, by int) string {
	if d, ok := v.(time.Duration); ok {
		return (d + time.Duration(by)).String()
	}
	return strconv.Itoa(v.(int) + by)
}

// refuses changes the value number n of an example, and wants a fault there.
func (k kind) refuses(t *testing.T, name, text string, n int, path, wrong string) {
	t.Helper()
	changedText, line, col := changed(t, text, n, wrong)
	var problems strict.Problems
	k.read(strict.File{Name: name, Data: []byte(changedText)}, &problems)
	var got []string
	for _, p := range problems.List() {
		if !p.Warning && p.Line == line && p.Col >= col {
			return
		}
		got = append(got, p.String())
	}
	t.Errorf("%s: %s: %s is not refused at %d:%d: %s", name, path, fmt.Sprintf("%q", wrong), line, col, strings.Join(got, "\n"))
}

// The lowest and the highest value are read.
func TestEndsOfRanges(t *testing.T) {
	for _, k := range kinds {
		values, begin := k.study(t), 0
		for _, name := range k.examples {
			text := example(t, name)
			count := len(valuesOf(t, text))
			for n, v := range values[begin : begin+count] {
				if v.low == nil || v.node.Kind != yaml.ScalarNode {
					continue
				}
				for _, end := range []any{v.low, v.high} {
					k.takes(t, name, text, n, v.path, fmt.Sprint(end))
				}
			}
			begin += count
		}
	}
}

// takes changes the value number n of an example, and wants no fault there.
func (k kind) takes(t *testing.T, name, text string, n int, path, to string) {
	t.Helper()
	changedText, line, col := changed(t, text, n, to)
	var problems strict.Problems
	k.read(strict.File{Name: name, Data: []byte(changedText)}, &problems)
	for _, p := range problems.List() {
		if !p.Warning && p.Line == line && p.Col == col {
			t.Errorf("%s: %s: %s is refused: %s", name, path, to, p)
		}
	}
}
