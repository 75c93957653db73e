// Package clock is the pack's one source of the time. A time of it is good for
// both: its wall clock says when evacuations end and files were loaded, and its
// monotonic clock measures, which a step of the wall clock does not change. So
// do not strip it (by Round, UnixNano or JSON) from what is measured with.
//
// A server that is built with the tag `clockstep` has a wall clock that tests
// can step.
package clock

import "time"

// AsOf returns t as the wall clock that says now would show it. If that clock was
// stepped between t and now, the result is still as far from now as t really is. A
// zero time stays the same, and so does a time without a monotonic clock.
func AsOf(now, t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return now.Add(t.Sub(now))
}
