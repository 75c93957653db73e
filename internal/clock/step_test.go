//go:build clockstep

package clock

import (
	"testing"
	"time"
)

func TestStep(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour, 0} {
		before := time.Now()
		stepped := step(before, int64(by/time.Second))
		if got := stepped.Round(0).Sub(before.Round(0)); got != by {
			t.Errorf("the wall clock went %v, want %v", got, by)
		}
		if got := stepped.Sub(before); got != 0 {
			t.Errorf("the monotonic clock went %v by a step of %v", got, by)
		}
	}
}
