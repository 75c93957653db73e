package setrouter

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each page says in its first lines whom it is for, and where it leads.
func TestPagesSayWhomTheyAreFor(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, page := range pages {
		begin, next := "\nFor ", "After this page:"
		if strings.HasSuffix(page, "-zh.md") {
			begin, next = "\n写给", "接下来"
		}
		text, _, _ := strings.Cut(read(t, page), "\n## ")
		if head := strings.Join(strings.SplitN(text, "\n", 10)[:min(9, strings.Count(text, "\n"))], "\n"); !strings.Contains(head, begin) || !strings.Contains(head, next) {
			t.Errorf("%s does not say in its first lines whom it is for (%q) and where it leads (%q):\n%s", page, begin, next, head)
		}
	}
}

// Every page is in the README, in both languages: the Chinese one where there is one.
func TestEveryPageIsInTheREADME(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	english, chinese := read(t, "README.md"), read(t, "README-zh.md")
	for _, page := range pages {
		if strings.HasSuffix(page, "-zh.md") {
			continue
		}
		if !strings.Contains(english, "("+page+")") {
			t.Errorf("README.md has no link to %s", page)
		}
		translated := strings.TrimSuffix(page, ".md") + "-zh.md"
		if _, err := os.Stat(translated); err != nil {
			translated = page
		}
		if !strings.Contains(chinese, "("+translated+")") {
			t.Errorf("README-zh.md has no link to %s", translated)
		}
	}
}

var (
	fence = regexp.MustCompile("(?s)\n *```.*?\n *```")
	code  = regexp.MustCompile("`[^`\n]*`")
	links = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// reportForm is the page of the repository's home for reports in private, and no file.
const reportForm = "../../security/advisories/new"

// Links between the pages lead to files that are there, and to headings that are there.
func TestLinksLeadSomewhere(t *testing.T) {
	var pages []string
	for _, glob := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "plugin/*/README.md", "plugin/*/*/README.md", "build/*/README.md"} {
		names, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, names...)
	}
	for _, page := range pages {
		text := code.ReplaceAllString(fence.ReplaceAllString(read(t, page), ""), "")
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") || m[1] == reportForm {
				continue
			}
			name, heading, _ := strings.Cut(m[1], "#")
			target := page
			if name != "" {
				target = path.Join(path.Dir(page), name)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
				continue
			}
			if heading != "" && strings.HasSuffix(target, ".md") && !headings(t, target)[heading] {
				t.Errorf("%s links to %s, which has no such heading", page, m[1])
			}
		}
	}
}

// headings returns the names by which a page's headings are linked to.
func headings(t *testing.T, page string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(fence.ReplaceAllString(read(t, page), ""), -1) {
		name := strings.ToLower(links.ReplaceAllString(m[1], ""))
		name = regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(name, "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}
