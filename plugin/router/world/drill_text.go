package world

import (
	"fmt"
	"io"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// Write writes the drill for people: what each loss does, the worst first, and then the
// rows and roads of each. Of these it writes limit lines at most for a loss; 0 is all.
func (d Drill) Write(w io.Writer, limit int) {
	lost := "unhealthy"
	if d.Gone {
		lost = "not registered any more"
	}
	fmt.Fprintf(w, "what if the instances of each %s were %s, one %s at a time\n", d.Each, lost, d.Each)
	fmt.Fprintf(w, "%s of callers, %s, %s; %s asked lately, counted for each service\n", count(d.Kinds, "kind"), count(d.Services, "service"), d.losses(), count(d.Callers, "caller"))
	for _, note := range d.Notes {
		fmt.Fprintf(w, "note: %s\n", explain.Plain(note))
	}
	fmt.Fprintln(w)
	if len(d.Losses) == 0 {
		return
	}
	t := table.New(w)
	fmt.Fprintln(t, "LOST\tINSTANCES\tHAVE NOTHING USABLE\tLEAVE REGION\tLEAVE ZONE\tHIGHEST LOAD")
	for _, l := range d.Losses {
		fmt.Fprintf(t, "%s\t%d of %s\t%s\t%s\t%s\t%s\n", explain.Plain(l.Place), l.Instances, count(l.Services, "service"),
			l.Nothing.text(), l.Counts[ChangeCrossRegion].text(), l.Counts[ChangeCrossZone].text(), loadText(l.Load))
	}
	t.Flush()
	for _, l := range d.Losses {
		l.write(w, limit)
	}
}

// losses returns how many losses there are.
func (d Drill) losses() string {
	if len(d.Losses) == 1 || d.Each == "campus" {
		return fmt.Sprintf("%d %s", len(d.Losses), map[bool]string{true: d.Each, false: "campuses"}[len(d.Losses) == 1])
	}
	return count(len(d.Losses), d.Each)
}

// text returns the count for people.
func (c LossCount) text() string {
	if c.Pairs == 0 {
		return "-"
	}
	return fmt.Sprintf("%s of %s, %s", count(c.Kinds, "kind"), count(c.Services, "service"), count(c.Callers, "caller"))
}

// loadText returns a load for people.
func loadText(times float64) string {
	if times == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f times", times)
}

// write writes the rows and roads of a loss, besides rows of lists that only change.
func (l Loss) write(w io.Writer, limit int) {
	rows := l.Rows
	for len(rows) > 0 && rows[len(rows)-1].Change == ChangeList {
		rows = rows[:len(rows)-1]
	}
	if len(rows)+len(l.Roads) == 0 {
		return
	}
	fmt.Fprintf(w, "\nwithout %s\n", explain.Plain(l.Place))
	t := table.New(w)
	for _, r := range firstFew(rows, limit) {
		fmt.Fprintf(t, "  %s\t%s\t%s, %s\tas %s (%s)\t%s, then %s\n", r.Change, explain.Plain(r.Service), count(r.Kinds, "kind"), count(r.Seen, "caller"),
			explain.Plain(r.Callers), r.Address, r.Before, r.After)
	}
	t.Flush()
	sayMore(w, len(rows), limit, "row")
	for _, r := range firstFew(l.Roads, limit) {
		fmt.Fprintf(t, "  load %.1f times, now %.1f\t%s\trule %s, %s\t%s\t%d usable of %s\n", r.Times, *r.Before, explain.Plain(r.Service), r.Rule,
			route.Road{Tier: r.Tier, Level: r.Level}, count(r.Seen, "caller"), r.Usable, explain.Plain(r.Where))
	}
	t.Flush()
	sayMore(w, len(l.Roads), limit, "road")
}

// firstFew returns the first elements, limit at most; 0 is all.
func firstFew[T any](list []T, limit int) []T {
	if limit > 0 && len(list) > limit {
		return list[:limit]
	}
	return list
}

// sayMore says how many lines are left out.
func sayMore(w io.Writer, n, limit int, noun string) {
	if limit > 0 && n > limit {
		fmt.Fprintf(w, "  and %s, see --limit\n", count(n-limit, "more "+noun))
	}
}
