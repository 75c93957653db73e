package backing

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/polaris-contrib/setrouter/internal/observe"
)

// A service is away from its first answer that is a fault, or that is late, until it
// answers again. No second question is asked while one has no answer.
func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fault error
		hold := make(chan struct{})
		var asked atomic.Int32
		var held atomic.Bool
		s := New("test", "a database", func() error {
			asked.Add(1)
			if held.Load() {
				<-hold
			}
			return fault
		})
		start := time.Now()
		for _, step := range []struct {
			name    string
			prepare func()
			away    time.Duration // since the start; -1: it answers
			problem string
			asked   int32
		}{
			{"answers", func() {}, -1, "", 1},
			{"refuses", func() { fault = errors.New("connection refused") }, 1 * time.Second, "connection refused", 2},
			{"refuses otherwise", func() { fault = errors.New(strings.Repeat("x", 1000)) }, 1 * time.Second, strings.Repeat("x", maxProblem), 3},
			{"answers again", func() { fault = nil }, -1, "", 4},
			{"is silent", func() { held.Store(true) }, 4*time.Second + patience, "does not answer within 3s", 5},
			{"is still silent", func() {}, 4*time.Second + patience, "does not answer within 3s", 5},
			{"speaks again", func() { held.Store(false); close(hold); synctest.Wait() }, -1, "", 6},
			{"has a bug", func() { s.ask = func() error { panic("a bug") } }, 7*time.Second + patience, "asking failed", 6},
		} {
			step.prepare()
			s.Check()
			got := s.State()
			away := time.Duration(-1)
			if !got.AwayAt.IsZero() {
				away = got.AwayAt.Sub(start)
			}
			if away != step.away || got.Problem != step.problem || asked.Load() != step.asked {
				t.Errorf("%s: away since %v, problem %q, asked %d times; want %v, %q, %d", step.name, away, got.Problem, asked.Load(), step.away, step.problem, step.asked)
			}
			if up := testutil.ToFloat64(observe.BackingUp.WithLabelValues("test")); (up == 1) != (step.away < 0) {
				t.Errorf("%s: the metric is %v", step.name, up)
			}
			time.Sleep(time.Second)
		}
	})
}
