// Package clock is the pack's one source of the time. A time of it is good for
// both: its wall clock says when evacuations end and files were loaded, and its
// monotonic clock measures, which a step of the wall clock does not change. So
// do not strip it (by Round, UnixNano or JSON) from what is measured with.
//
// A server that is built with the tag `clockstep` has a wall clock that tests
// can step.
package clock

import "time"

// AsOf is a time that was taken before or after now as the wall clock that says
// now would have it: after a step of that clock it is as far from now as it
// really is. The zero time stays, as does one without a monotonic clock.
func AsOf(now, t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return now.Add(t.Sub(now))
}
