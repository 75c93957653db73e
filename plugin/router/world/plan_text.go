package world

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// Shown is what of a plan is written for people.
type Shown struct {
	Service string // rows of this service only; empty: of all
	Limit   int    // the most lines of a list; 0: all
	Hint    string // how to see what Limit leaves out; empty: not said
	// FailOn are words of --fail-on: the ones that hold are said first.
	FailOn []string
}

// DefaultLimit is the most lines of a list where nobody says another number.
const DefaultLimit = 20

// Text writes the plan for people, with DefaultLimit.
func (p Plan) Text(w io.Writer) { p.Write(w, Shown{Limit: DefaultLimit}) }

// Write writes the plan for people: the verdict, what the files replace and end, what was
// found, and then the rows, the worst first.
func (p Plan) Write(w io.Writer, shown Shown) {
	t := planText{w: w, Shown: shown}
	if fails := p.Fails(shown.FailOn); len(fails) > 0 {
		t.line("fails: %s\n", strings.Join(textsOf(fails, func(f Failure) string { return fmt.Sprintf("%s (%d)", f.Word, f.Count) }), ", "))
	}
	for _, r := range p.Refused {
		t.line("%s files: without --force the server would not take them: %s\n", r.Kind, r.Reason)
	}
	t.line("%s of callers, %s\n", count(p.Kinds, "kind"), count(p.Services, "service"))
	columns := table.New(w)
	for _, c := range Changes {
		fmt.Fprintf(columns, "  %s\t%d\n", c, p.Counts[c])
	}
	columns.Flush()
	t.block("note", textsOf(p.Notes, explain.Plain))
	t.files(p)
	t.found(p)
	t.tallies("by service", p.ByService)
	t.tallies("by place of the callers", p.ByPlace)
	t.rows("if rules in mode shadow and those at 0% were in force", p.Would)
	t.rows("", p.Rows)
}

// planText writes a plan for people.
type planText struct {
	w io.Writer
	Shown
}

func (t planText) line(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }

// block writes a list of lines under a title, if there are any.
func (t planText) block(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	t.line("\n%s", title)
	for _, line := range lines[:t.most(len(lines))] {
		t.line("  %s", line)
	}
	t.more(len(lines), "  ")
}

// most returns how many of so many lines are written.
func (t planText) most(n int) int {
	if t.Limit > 0 {
		return min(n, t.Limit)
	}
	return n
}

// more says how many lines are left out.
func (t planText) more(n int, indent string) {
	if left := n - t.most(n); left > 0 {
		t.line("%s... %d more%s", indent, left, t.Hint)
	}
}

// files writes what the files replace, end and begin.
func (t planText) files(p Plan) {
	for _, r := range p.Replaced {
		what := map[string]string{"mapping": "entries", "routing": "rules and addresses"}[r.Kind]
		lines := append(fileTexts("- ", r.Before), fileTexts("+ ", r.After)...)
		t.block(fmt.Sprintf("%s files: %d %s, and then %d", r.Kind, r.EntriesBefore, what, r.EntriesAfter), lines)
	}
	t.block("rules that end", textsOf(p.Rules.End, RuleRef.text))
	t.block("rules that begin", textsOf(p.Rules.Begin, RuleRef.text))
	t.block("rules that change", textsOf(p.Rules.Change, RuleRef.text))
	t.block("evacuations that end", textsOf(p.Evacuations.End, EvacuationRef.text))
	t.block("evacuations that begin", textsOf(p.Evacuations.Begin, EvacuationRef.text))
	t.block("rules that not every caller has", textsOf(p.Judged, func(j JudgedRule) string { return fmt.Sprintf("%s: %s", j.RuleRef, j.How) }))
}

// found writes what was found besides the changes.
func (t planText) found(p Plan) {
	t.block("rules whose first road is never taken", textsOf(p.NeverFirst, func(f Finding) string {
		return fmt.Sprintf("%s, for %d of the kinds of callers, as %s of %q: %s", f.RuleRef.text(), f.Kinds, explain.Plain(f.Callers), f.Service, explain.Plain(f.Why))
	}))
	t.block("if a zone were lost, these callers of new and changed rules would have nothing usable", textsOf(p.IfLost, IfLost.text))
	if p.NotDrilled > 0 {
		t.line("\nnew and changed rules are for %d services: what a lost zone would do is not looked at, see setctl drill --each zone with the same files", p.NotDrilled)
	}
	noRoad := slices.DeleteFunc(slices.Clone(p.Lost), func(l Lost) bool { return !l.NoRoad })
	nobody := slices.DeleteFunc(slices.Clone(p.Lost), func(l Lost) bool { return l.NoRoad })
	t.block(fmt.Sprintf("%s that no road reaches any more", count(len(noRoad), "instance")), textsOf(noRoad, Lost.text))
	t.block(fmt.Sprintf("%s that nobody gets any more, while roads lead there", count(len(nobody), "instance")), textsOf(nobody, Lost.text))
	var warnings []string
	for _, warning := range p.Warnings {
		warnings = append(warnings, warning.String())
	}
	t.block(count(len(warnings), "warning"), warnings)
}

// tallies writes counts of changes, each for what has a name.
func (t planText) tallies(title string, list []Tally) {
	if t.Service != "" {
		list = slices.DeleteFunc(slices.Clone(list), func(tally Tally) bool { return tally.Name != t.Service })
	}
	if len(list) == 0 {
		return
	}
	t.line("\n%s", title)
	columns := table.New(t.w)
	for _, tally := range list[:t.most(len(list))] {
		var counts []string
		for _, c := range Changes {
			if n := tally.Counts[c]; n > 0 {
				counts = append(counts, fmt.Sprintf("%d %s", n, c))
			}
		}
		fmt.Fprintf(columns, "  %s\t%s\n", explain.Plain(tally.Name), strings.Join(counts, ", "))
	}
	columns.Flush()
	t.more(len(list), "  ")
}

// rows writes rows as a table, under a title if there is one.
func (t planText) rows(title string, rows []Row) {
	if t.Service != "" {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Service != t.Service })
	}
	if len(rows) == 0 {
		return
	}
	t.line("")
	if title != "" {
		t.line("%s", title)
	}
	shown := rows[:t.most(len(rows))]
	isJudged := slices.ContainsFunc(shown, func(r Row) bool { return r.Judged != "" })
	columns := table.New(t.w)
	writeRow := func(r []string, judged string) {
		if isJudged {
			r = slices.Insert(r, 3, judged)
		}
		fmt.Fprintln(columns, strings.Join(r, "\t"))
	}
	writeRow([]string{"CHANGE", "CALLERS", "AS", "SEEN", "SERVICE", "USABLE NOW", "THEN"}, "FOR")
	for _, r := range shown {
		callers := explain.Plain(r.Callers)
		if r.Then != "" {
			callers += " -> " + explain.Plain(r.Then)
		}
		seen := fmt.Sprint(r.Seen)
		if r.Inside != nil {
			seen = fmt.Sprintf("%d of %d", *r.Inside, r.Seen)
		}
		writeRow([]string{string(r.Change), callers, r.Address, seen, explain.Plain(r.Service), r.Before.String(), r.After.String()}, r.Judged)
	}
	columns.Flush()
	t.more(len(rows), "")
}

// textsOf returns a text of each item.
func textsOf[T any](list []T, text func(T) string) []string {
	out := make([]string, len(list))
	for n, item := range list {
		out[n] = text(item)
	}
	return out
}

// fileTexts returns a line for each file.
func fileTexts(sign string, files []File) (out []string) {
	for _, f := range files {
		out = append(out, fmt.Sprintf("%s%s  %d bytes  sha256 %s", sign, explain.Plain(f.Name), f.Bytes, f.SHA256))
	}
	return out
}

// String returns the rule as `rule "search"`.
func (r RuleRef) String() string {
	if r.Address {
		return fmt.Sprintf("address %q", r.Name)
	}
	return fmt.Sprintf("rule %q", r.Name)
}

// text returns the rule with its origin.
func (r RuleRef) text() string { return fmt.Sprintf("%s of %s:%d", r, explain.Plain(r.File), r.Line) }

// text returns the evacuation in one line.
func (e EvacuationRef) text() string {
	state := "not in force yet"
	if e.InForce {
		state = "in force"
	}
	return fmt.Sprintf("%s: %s until %s, %s: %s", e.ID, explain.Plain(e.Place), e.Until.Format("2006-01-02T15:04:05Z07:00"), state, explain.Plain(e.Reason))
}

// text returns the instance in one line.
func (l Lost) text() string {
	return fmt.Sprintf("%s:%d of %s, %s", explain.Plain(l.Host), l.Port, explain.Plain(l.Service), explain.Plain(l.Reached.who()))
}
