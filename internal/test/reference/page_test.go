package reference

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// section is a table: the keys that one call of Bind reads.
type section struct {
	paths []string // where such a mapping can stand
	value
}

// sections returns the tables of a kind of files, in the order of the examples.
func sections(values []*value) (out []*section) {
	for _, v := range values {
		if v.keys == nil {
			continue
		}
		i := slices.IndexFunc(out, func(s *section) bool { return s.reader == v.reader && sameKeys(s.keys, v.keys) })
		if i < 0 {
			out = append(out, &section{value: *v})
			i = len(out) - 1
		}
		if !slices.Contains(out[i].paths, v.path) {
			out[i].paths = append(out[i].paths, v.path)
		}
	}
	return out
}

// writeKind writes the part of a page that a kind of files has.
func writeKind(t *testing.T, b *strings.Builder, k kind, standard map[string]any) {
	t.Helper()
	values := k.study(t)
	fmt.Fprintf(b, "\n## %s\n\n%s\n", k.title, k.intro)
	for _, name := range k.examples {
		fmt.Fprintf(b, "\n```yaml\n%s```\n", example(t, name))
	}
	all := sections(values)
	for _, s := range all {
		fmt.Fprintf(b, "\n### %s\n\n", s.title(k))
		fmt.Fprintf(b, "| key | type | default | range | what it says | example |\n|---|---|---|---|---|---|\n")
		for _, key := range s.keys {
			if key.Means() == "" {
				t.Errorf("%s: the key %q of %s does not say what it is for", k.title, key.Name(), s.title(k))
			}
			fmt.Fprintln(b, s.row(t, k, key, values, all, standard))
		}
	}
}

// row returns the row of a key.
func (s *section) row(t *testing.T, k kind, key strict.Key, values []*value, all []*section, standard map[string]any) string {
	t.Helper()
	r, forms, ok := find(values, s.paths, key.Name())
	for _, other := range all { // readers share keys
		if !ok && slices.ContainsFunc(other.keys, func(k strict.Key) bool { return k.Name() == key.Name() && k.Means() == key.Means() }) {
			r, forms, ok = find(values, other.paths, key.Name())
		}
	}
	if !ok {
		t.Errorf("%s: the key %q of %s is in no example: give it a place in testdata", k.title, key.Name(), s.title(k))
		return ""
	}
	if item, _, ok := allOf(values, r.path+"[]"); ok && r.low == nil {
		r.low, r.high = item.low, item.high
	}
	cells := []string{"`" + key.Name() + "`", typeOf(values, r, forms, all, k), s.standard(key, r, standard), bounds(r), key.Means(), exampleOf(t, r, key.Name())}
	return "| " + strings.ReplaceAll(strings.Join(cells, " | "), "  |", " |") + " |"
}

// standard returns the default of a key. Addresses have the defaults of rules.
func (s *section) standard(key strict.Key, r value, standard map[string]any) string {
	if key.IsRequired() {
		return "must be given"
	}
	for _, path := range s.paths {
		path = join(path, key.Name())
		for _, like := range []string{"addresses[]", "defaults"} {
			if rest, ok := strings.CutPrefix(path, like); ok {
				path = "rules[]" + rest
			}
		}
		if standard[path] != nil {
			return shown(standard[path])
		}
	}
	return shown(r.standard)
}

// find returns what is known of a key, at the first of the paths that has it.
func find(values []*value, paths []string, key string) (v value, forms []string, ok bool) {
	for _, path := range paths {
		if v, forms, ok = allOf(values, join(path, key)); ok {
			return v, forms, true
		}
	}
	return v, nil, false
}

// title returns the heading of a table.
func (s *section) title(k kind) string {
	names := []string{}
	for _, path := range s.paths {
		if path == "" {
			return "The keys of " + k.whole
		}
		names = append(names, "`"+path+"`")
	}
	return strings.Join(names, ", ")
}

// typeOf returns the type of a value, in words.
func typeOf(values []*value, v value, forms []string, all []*section, k kind) string {
	var words []string
	for _, form := range forms {
		switch {
		case form == "list" && v.oneOrList: // said below
		case form == "list":
			item, itemForms, ok := allOf(values, v.path+"[]")
			if ok {
				words = append(words, "list of "+typeOf(values, item, itemForms, all, k))
			} else {
				words = append(words, "list")
			}
		case form == "keys" && v.keys != nil:
			words = append(words, "[keys](#"+anchor(sectionOf(all, v.path).title(k))+")")
		case form == "keys":
			words = append(words, "keys of your own")
		case form == "text" && v.words != nil:
			words = append(words, "`"+strings.Join(v.words, "`, `")+"`")
		default:
			words = append(words, form)
		}
	}
	if v.oneOrList {
		if item, itemForms, ok := allOf(values, v.path+"[]"); ok && len(words) == 0 {
			words = append(words, typeOf(values, item, itemForms, all, k))
		}
		words = append(words, "a list of those")
	}
	return strings.Join(words, ", or ")
}

func sectionOf(all []*section, path string) *section {
	i := slices.IndexFunc(all, func(s *section) bool { return slices.Contains(s.paths, path) })
	return all[i]
}

// bounds returns the range of a value.
func bounds(v value) string {
	if v.low == nil {
		return ""
	}
	if v.low == v.high {
		return short(v.low)
	}
	return fmt.Sprintf("%s to %s", short(v.low), short(v.high))
}

// short returns a number, or a time as people write it.
func short(v any) string {
	d, ok := v.(time.Duration)
	if !ok {
		return fmt.Sprint(v)
	}
	text := d.String()
	for _, end := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, end) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// exampleOf returns the example of a key.
func exampleOf(t *testing.T, v value, key string) string {
	t.Helper()
	if v.node.Kind != yaml.ScalarNode && len(flow(t, v.node)) > 80 {
		return "above"
	}
	return "`" + strings.ReplaceAll(key+": "+flow(t, v.node), "|", `\|`) + "`"
}

// anchor returns the name by which GitHub knows a heading.
func anchor(heading string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(heading) {
		switch {
		case c == ' ':
			b.WriteByte('-')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
			b.WriteRune(c)
		}
	}
	return b.String()
}

// sameKeys reports whether two lists have the same names.
func sameKeys(a, b []strict.Key) bool {
	return slices.EqualFunc(a, b, func(a, b strict.Key) bool { return a.Name() == b.Name() })
}
