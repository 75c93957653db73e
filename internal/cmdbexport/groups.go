package cmdbexport

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Group is one reason, and how often it was met.
type Group struct {
	Reason   string   `json:"reason"`
	Count    int      `json:"count"`
	Noun     string   `json:"noun"`     // what was counted: row, address, entry or cell
	Examples []string `json:"examples"` // the first
	Harmless bool     `json:"harmless"` // the options left it out, or nothing is lost
}

// Count returns a number with a noun: row, address, entry or cell.
func Count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case noun == "entry":
		return fmt.Sprintf("%d entries", n)
	case noun == "address":
		return fmt.Sprintf("%d addresses", n)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

const (
	mostExamples = 3    // of a Group
	mostSeen     = 1000 // values that are remembered
)

// groups are reasons in the order in which they were met first.
type groups struct {
	index map[string]int
	all   []Group
	seen  map[string]bool
}

// add counts a reason once more.
func (g *groups) add(noun, reason, example string) {
	if g.index == nil {
		g.index, g.seen = map[string]int{}, map[string]bool{}
	}
	reason, example = plain(reason), plain(example)
	n, ok := g.index[noun+reason]
	if !ok {
		n = len(g.all)
		g.index[noun+reason] = n
		g.all = append(g.all, Group{Reason: reason, Noun: noun})
	}
	group := &g.all[n]
	group.Count++
	if example != "" && len(group.Examples) < mostExamples {
		group.Examples = append(group.Examples, example)
	}
}

// mostText bounds, in characters, a reason or an example.
const mostText = 300

// plain returns a text of the export as a terminal may have it: one line, of bounded
// length, without control characters.
func plain(text string) string {
	runes := []rune(strings.ToValidUTF8(text[:min(len(text), mostText*utf8.UTFMax)], "?"))
	for i, r := range runes {
		if !unicode.IsPrint(r) {
			runes[i] = '?'
		}
	}
	if len(runes) > mostText || len(text) > mostText*utf8.UTFMax {
		return string(runes[:min(len(runes), mostText)]) + "..."
	}
	return string(runes)
}

// addDistinct counts a reason once more. Each value is an example once.
func (g *groups) addDistinct(noun, reason, value, origin string) {
	key := reason + "\x00" + value
	if g.seen[key] {
		g.add(noun, reason, "")
		return
	}
	g.add(noun, reason, fmt.Sprintf("%s (%s)", value, origin))
	if len(g.seen) < mostSeen {
		g.seen[key] = true
	}
}

// harmless says of a reason that nothing is lost by it.
func (g *groups) harmless(noun, reason string) { g.all[g.index[noun+plain(reason)]].Harmless = true }

// list returns the groups, the largest first.
func (g *groups) list() []Group {
	out := append([]Group{}, g.all...)
	slices.SortStableFunc(out, func(a, b Group) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

var particulars = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// generalise returns a message without what it quotes, so that messages of one kind are
// one reason.
func generalise(message string) string { return particulars.ReplaceAllString(message, `"..."`) }
