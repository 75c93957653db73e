package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// Patience is how long an eye may take to see an incident, and its end: in a whole night
// an alert waits for minutes.
const (
	patience      = 90 * time.Second
	patienceNight = 15 * time.Minute
)

// calm is how long nothing may happen between two incidents.
func (p plan) calm() time.Duration {
	if p.short {
		return 3 * time.Second
	}
	return 45 * time.Second
}

// moment is when each eye saw something, after the begin.
type moment struct {
	began time.Time
	saw   map[eye]time.Duration
}

// until waits until each of the eyes has seen something.
func (t *town) until(ctx context.Context, w *watch, began time.Time, saw func(eye, look) bool) (moment, error) {
	m := moment{began, map[eye]time.Duration{}}
	patience := patience
	if !t.plan.short && t.prom != nil {
		patience = patienceNight
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	var faults []error
	for _, e := range eyes {
		if e == eyeAlert && t.prom == nil {
			continue
		}
		all.Go(func() {
			at, err := w.first(ctx, e, began, patience, saw)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				faults = append(faults, err)
			}
			m.saw[e] = at.Sub(began)
		})
	}
	all.Wait()
	return m, errors.Join(faults...)
}

// first returns when an eye first saw something after a time.
func (w *watch) first(ctx context.Context, e eye, from time.Time, patience time.Duration, saw func(eye, look) bool) (time.Time, error) {
	for deadline := from.Add(patience); ; {
		looks := w.between(e, from, time.Now())
		if n := slices.IndexFunc(looks, func(l look) bool { return saw(e, l) }); n >= 0 {
			return looks[n].at, nil
		}
		if time.Now().After(deadline) {
			last := "nothing"
			if len(looks) > 0 {
				last = looks[len(looks)-1].text(e)
			}
			return time.Time{}, fmt.Errorf("the %s did not say so within %v, but %s", e, patience, last)
		}
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// listOf returns the list that a caller is to have.
func (i incident) listOf(name string) string {
	for _, lists := range []map[string]string{i.lists, usual} {
		for _, prefix := range slices.Sorted(maps.Keys(lists)) {
			if strings.HasPrefix(name, prefix) {
				return lists[prefix]
			}
		}
	}
	return "?"
}

// isSaid reports whether an eye sees the incident.
func (i incident) isSaid(e eye, l look) bool {
	switch e {
	case eyeCallers:
		return !slices.ContainsFunc(seats, func(s seat) bool { return l.lists[s.name] != i.listOf(s.name) })
	case eyeMetric:
		return i.metric(l)
	case eyeAlert:
		return !slices.ContainsFunc(i.alerts, func(name string) bool { return !slices.Contains(l.alerts, name) })
	case eyePage:
		return l.health.Colour == i.colour && slices.ContainsFunc(l.health.Causes, func(c api.Cause) bool { return c.Kind == i.cause })
	}
	return strings.Contains(l.head, i.says)
}

// isOver reports whether an eye sees that all is well, and nothing of the incident.
func (i incident) isOver(e eye, l look) bool {
	switch e {
	case eyeCallers:
		return (incident{}).isSaid(e, l)
	case eyeMetric:
		return (i.metric == nil || !i.metric(l)) && int(l.sum("setrouter_callers{", `state="first"`)) >= len(seats)
	case eyeAlert:
		return len(l.alerts) == 0
	case eyePage:
		return l.health.Colour == api.ColourGreen && strings.HasPrefix(l.health.Headline, "all is well: ")
	}
	return l.code == 0 && strings.HasPrefix(l.head, "all is well: ")
}

// text returns what an eye saw, for people.
func (l look) text(e eye) string {
	switch e {
	case eyeCallers:
		return fmt.Sprint(l.lists)
	case eyeMetric:
		var list []string
		for _, name := range slices.Sorted(maps.Keys(l.metrics)) {
			if strings.HasPrefix(name, "setrouter_callers") || strings.HasPrefix(name, "setrouter_nodes") || strings.HasPrefix(name, "setrouter_backing") {
				list = append(list, fmt.Sprint(name, " ", l.metrics[name]))
			}
		}
		return strings.Join(list, "; ")
	case eyeAlert:
		return fmt.Sprint(l.alerts)
	case eyePage:
		return fmt.Sprintf("%s: %s %+v", l.health.Colour, l.health.Headline, l.health.Causes)
	}
	return fmt.Sprintf("exit code %d: %s", l.code, l.head)
}

// headAt returns the first lines of setctl status at the time of a look.
func (w *watch) headAt(at time.Time) string {
	for _, l := range w.between(eyeStatus, at, at.Add(time.Nanosecond)) {
		return l.head
	}
	return ""
}

// quiet waits until all is well, and then for as long as nothing may happen.
func (t *town) quiet(ctx context.Context, w *watch, r *report) error {
	began := time.Now()
	if _, err := t.until(ctx, w, began, (incident{}).isOver); err != nil {
		return err
	}
	r.quiet(time.Now())
	select {
	case <-ctx.Done():
	case <-time.After(t.plan.calm()):
	}
	return ctx.Err()
}

// live has an incident happen, and waits until everybody has said so, and that it is over.
func (t *town) live(ctx context.Context, w *watch, i incident, r *report) error {
	began := time.Now()
	r.begins(began)
	if err := i.begin(ctx, t); err != nil {
		return err
	}
	said, err := t.until(ctx, w, began, i.isSaid)
	if err == nil && !t.plan.short {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(began.Add(i.lasts))):
		}
	}
	head := w.headAt(began.Add(said.saw[eyeStatus]))
	ended := time.Now()
	if err := errors.Join(err, i.end(ctx, t)); err != nil {
		return err
	}
	over, err := t.until(ctx, w, ended, i.isOver)
	if err == nil {
		err = t.quiet(ctx, w, r)
	}
	r.add(i, said, over, head)
	return err
}
