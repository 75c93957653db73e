package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// report is what the night was like.
type report struct {
	out        io.Writer
	start      time.Time
	short      bool
	rows       []row
	quietFrom  time.Time // of the present time in which nothing may happen; zero: something may
	quietTimes [][2]time.Time
}

// row is an incident, and when who said what.
type row struct {
	incident   incident
	said, over moment
	head       string // of setctl status, when it was said
}

// quiet says that nothing may happen from now on.
func (r *report) quiet(at time.Time) { r.quietFrom = at }

// begins says that something happens.
func (r *report) begins(at time.Time) {
	if !r.quietFrom.IsZero() {
		r.quietTimes = append(r.quietTimes, [2]time.Time{r.quietFrom, at})
	}
	r.quietFrom = time.Time{}
}

func (r *report) add(i incident, said, over moment, head string) {
	r.rows = append(r.rows, row{i, said, over, head})
}

// write writes the columns, and returns an error for everything false that was said.
func (r *report) write(w *watch) error {
	r.begins(time.Now())
	columns := table.New(r.out)
	fmt.Fprint(columns, "after\tseconds until\t")
	for _, e := range eyes {
		fmt.Fprintf(columns, "%s\t", e)
	}
	fmt.Fprintln(columns)
	for _, row := range r.rows {
		r.line(columns, row.said, row.incident.name+", until it is said", row.incident)
		r.line(columns, row.over, "until it is over", row.incident)
	}
	columns.Flush()
	for _, row := range r.rows {
		fmt.Fprintf(r.out, "\n%s: setctl status\n%s\n", row.incident.name, row.head)
	}
	var faults []error
	for _, times := range r.quietTimes {
		faults = append(faults, falseIn(w, times[0], times[1], incident{colour: api.ColourGreen}, r.short, "while nothing happens"))
	}
	for _, row := range r.rows {
		last := row.over.began
		for _, d := range row.over.saw {
			last = maxTime(last, row.over.began.Add(d))
		}
		faults = append(faults, falseIn(w, row.said.began, last, row.incident, r.short, row.incident.name))
	}
	return errors.Join(faults...)
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// line writes a row of the columns.
func (r *report) line(w io.Writer, m moment, what string, i incident) {
	fmt.Fprintf(w, "%s\t%s\t", m.began.Sub(r.start).Round(time.Second), what)
	for _, e := range eyes {
		seconds, ok := m.saw[e]
		switch {
		case !ok || e == eyeAlert && len(i.alerts) == 0:
			fmt.Fprint(w, "-\t")
		default:
			fmt.Fprintf(w, "%.1f\t", seconds.Seconds())
		}
	}
	fmt.Fprintln(w)
}

// falseIn returns an error for what was said between two times and is not so: a colour or
// an exit code worse than the incident's, an alert that is not its. In a short night alerts
// do not wait, and say what passes by itself.
func falseIn(w *watch, from, to time.Time, i incident, short bool, when string) error {
	var faults []string
	add := func(e eye, l look) {
		text := fmt.Sprintf("%s: after %v the %s says %s", when, l.at.Sub(from).Round(100*time.Millisecond), e, l.text(e))
		faults = append(faults, text)
	}
	worst := []api.Colour{api.ColourGreen, api.ColourAmber, api.ColourRed}
	for _, l := range w.between(eyePage, from, to) {
		if slices.Index(worst, l.health.Colour) > slices.Index(worst, i.colour) {
			add(eyePage, l)
		}
	}
	for _, l := range w.between(eyeStatus, from, to) {
		if l.code > i.code || l.code == 1 && i.colour == api.ColourGreen {
			add(eyeStatus, l)
		}
	}
	for _, l := range w.between(eyeAlert, from, to) {
		if !short && slices.ContainsFunc(l.alerts, func(name string) bool { return !slices.Contains(i.alerts, name) }) {
			add(eyeAlert, l)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	if more := len(faults) - 5; more > 0 {
		faults = append(faults[:5], fmt.Sprintf("and %d more", more))
	}
	return errors.New(strings.Join(faults, "\n"))
}
