package setrouter

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "write the badges of the README anew")

// badgeText is a badge: two words side by side, in widths that fit the letters of any
// common font.
const badgeText = `<svg xmlns="http://www.w3.org/2000/svg" width="%[4]d" height="20" role="img" aria-label="%[1]s: %[2]s">
<title>%[1]s: %[2]s</title>
<rect width="%[4]d" height="20" rx="3" fill="#0b5cad"/>
<path d="M3 0h%[5]dv20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="#555"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="%[6]d" y="14" textLength="%[3]d">%[1]s</text>
<text x="%[7]d" y="14" textLength="%[8]d">%[2]s</text>
</g>
</svg>
`

// badge returns an SVG that says what a thing is.
func badge(thing, is string) string {
	const edge = 6
	left, right := 13*len(thing)/2, 13*len(is)/2
	cut := left + 2*edge
	return fmt.Sprintf(badgeText, thing, is, left, cut+right+2*edge, cut-3, cut/2, cut+edge+right/2, right)
}

// The badges say what go.mod and LICENSE say.
func TestBadges(t *testing.T) {
	mod, license := read(t, "go.mod"), read(t, "LICENSE")
	for name, want := range map[string]string{
		"go":      badge("Go", found(t, mod, `(?m)^go (\d+\.\d+)`)),
		"polaris": badge("Polaris", found(t, mod, `(?m)^\tgithub.com/polarismesh/polaris (v\S+)$`)),
		"license": badge("license", strings.ReplaceAll(found(t, license, `^(BSD 3-Clause) License\n`), " ", "-")),
	} {
		file := filepath.Join("docs/images", "badge-"+name+".svg")
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := read(t, file); got != want {
			t.Errorf("%s is\n%s\nwant\n%s\n(go test . -run TestBadges -update)", file, got, want)
		}
	}
}

// found returns what the parentheses of a pattern match in a text.
func found(t *testing.T, text, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if match == nil {
		t.Fatalf("there is no %s", pattern)
	}
	return match[1]
}

// form is an issue form of GitHub.
type form struct {
	Name, Description string
	Labels            []string
	Body              []struct {
		Type, ID   string
		Attributes struct {
			Label, Description, Value, Render string
			Options                           []any
		}
		Validations struct{ Required bool }
	}
}

// Each issue form has what GitHub asks of one: without, GitHub shows none of it.
func TestIssueForms(t *testing.T) {
	files, err := filepath.Glob(".github/ISSUE_TEMPLATE/*.yml")
	if err != nil || len(files) != 4 {
		t.Fatalf("%q, %v, want three forms and config.yml", files, err)
	}
	for _, name := range files {
		if filepath.Base(name) == "config.yml" {
			continue
		}
		var f form
		decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, name))))
		decoder.KnownFields(true)
		if err := decoder.Decode(&f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if f.Name == "" || f.Description == "" || len(f.Labels) != 1 {
			t.Errorf("%s: name %q, description %q, labels %q, want one of each", name, f.Name, f.Description, f.Labels)
		}
		ids := map[string]bool{"": true}
		for _, field := range f.Body {
			isText := field.Type == "markdown"
			if isText != (field.Attributes.Value != "") || isText == (field.Attributes.Label != "") || (!isText && ids[field.ID]) {
				t.Errorf("%s: field %q of type %q has no label and id of its own, or no text", name, field.ID, field.Type)
			}
			ids[field.ID] = true
		}
	}
}

// Each line of CODEOWNERS names something that is there, and an owner.
func TestCodeowners(t *testing.T) {
	lines := 0
	for line := range strings.Lines(read(t, ".github/CODEOWNERS")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		lines++
		fields := strings.Fields(line)
		path := strings.TrimPrefix(fields[0], "/")
		if _, err := os.Stat(path); path != "*" && err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if len(fields) != 2 || !strings.HasPrefix(fields[1], "@polaris-contrib/") {
			t.Errorf("%q: expected a path and a team of the organisation", line)
		}
	}
	if lines < 5 {
		t.Errorf("%d lines", lines)
	}
}
