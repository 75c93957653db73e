// Package clock is where the pack gets the time. A time has a wall clock, by which
// evacuations end and loads are dated, and a monotonic clock, by which durations
// are measured: a step of the wall clock does not change them. Round, UnixNano and
// JSON strip the monotonic clock from a time: do not measure with the result.
//
// A server that is built with the tag clockstep has a wall clock that tests can
// step.
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
