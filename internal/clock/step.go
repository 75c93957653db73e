//go:build clockstep

package clock

import (
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// stepVariable is the environment variable that names a file. The file has the
// seconds by which the wall clock is ahead; without the file the clock is right.
const stepVariable = "SETROUTER_CLOCK_STEP"

// Now returns time.Now as it would be after a step of the wall clock. A step moves
// the wall clock of a time and leaves its monotonic clock. Package time has no
// call for that, so Now changes the bits of the time.
func Now() time.Time {
	now := time.Now()
	text, err := os.ReadFile(os.Getenv(stepVariable))
	if err != nil {
		return now
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		panic("clock: " + err.Error())
	}
	return step(now, seconds)
}

// step moves the wall clock of t. It knows how package time stores a time: where
// the top bit of the first word is set, the second word is the monotonic clock,
// and the first has the seconds of the wall clock in 33 bits, above 30 bits of
// nanoseconds.
func step(t time.Time, seconds int64) time.Time {
	const hasMonotonic, nanosecondBits = 1 << 63, 30
	want := t.Round(0).Add(time.Duration(seconds) * time.Second) // without the monotonic clock
	wall := (*uint64)(unsafe.Pointer(&t))
	if *wall&hasMonotonic == 0 {
		panic("clock: time.Now has no monotonic clock")
	}
	*wall += uint64(seconds) << nanosecondBits
	if !t.Round(0).Equal(want) {
		panic("clock: package time has another representation")
	}
	return t
}
