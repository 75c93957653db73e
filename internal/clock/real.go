//go:build !clockstep

package clock

import "time"

// Now returns the time.
func Now() time.Time { return time.Now() }
