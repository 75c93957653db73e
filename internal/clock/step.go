//go:build clockstep

package clock

import (
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// stepFile is the variable with the name of a file, which has the seconds that
// the wall clock of this build is ahead. Without the file it is right.
const stepFile = "SETROUTER_CLOCK_STEP"

// Now is time.Now as it is after a step of the wall clock: package time has no
// call that moves the wall clock of a time and leaves the monotonic one, as a
// step does, so that it is done in the time itself.
func Now() time.Time {
	now := time.Now()
	text, err := os.ReadFile(os.Getenv(stepFile))
	if err != nil {
		return now
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		panic("clock: " + err.Error())
	}
	return step(now, seconds)
}

// step knows the representation in package time: where the top bit of the first
// word is set, the time has a monotonic clock, which is the second word; the
// wall clock's seconds are 33 bits of the first, above 30 bits of nanoseconds.
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
