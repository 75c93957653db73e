package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// stepFile is where a stepping server reads how far ahead its clock is: in its
// working directory.
const stepFile = "clock-step"

func init() { os.Setenv("SETROUTER_CLOCK_STEP", stepFile) }

// stepTo sets the wall clock of a stepping server off by so much.
func stepTo(t *testing.T, s *polaristest.Server, off time.Duration) {
	t.Helper()
	must(t, s.WriteFile(stepFile, fmt.Sprint(int64(off/time.Second))))
}

const holdDown = 6 * time.Second

const steppedRouting = `
version: 1
rules:
  - {name: novel, service: default/novel, set: {}, degrade: {holdDown: 0s}}
  - {name: held, service: default/held, set: {}, degrade: {holdDown: 6s}}
evacuate:
  - {set: qb.novel.h, until: %s, reason: "power work"}
`

// Evacuations follow the wall clock, an hour forwards and an hour back. Nothing
// else does: ages in the status stay right, and a node that is behind loads an
// evacuation that was just written for as long as one may last.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	half := time.Now().Add(30 * time.Minute).UTC().Format(time.RFC3339)
	rules := fmt.Sprintf(steppedRouting, half)
	server, console := start(t, polaristest.Options{Binary: steppingServer(t), Files: map[string]string{
		"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": rules,
	}})
	must(t, console.Register(t.Context(), novel("novel")...))
	for _, at := range []struct {
		off   time.Duration
		host  string
		state string
		count float64
	}{
		{0, "10.13.0.1", "until ", 1},
		{time.Hour, "10.11.0.1", "ended ", 0},
		{0, "10.13.0.1", "until ", 1},
		{-time.Hour, "10.13.0.1", "until ", 1},
	} {
		stepTo(t, server, at.off)
		eventually(t, server, shanghai, "novel", at.host)
		says(t, server, 0, at.state+half)
		wait(t, func() error {
			if got := metric(t, server, "setrouter_evacuations"); got != at.count {
				return fmt.Errorf("%v off: setrouter_evacuations is %v, want %v", at.off, got, at.count)
			}
			return nil
		})
		agesAreRight(t, server, at.off)
	}
	long := time.Now().Add(7*24*time.Hour - time.Minute).UTC().Format(time.RFC3339)
	must(t, server.WriteFile("conf/routing/routing.yaml", rules+"  - {set: \"qb.novel.*\", until: "+long+"}\n"))
	eventually(t, server, shanghai, "novel", "10.11.0.1") // both tiers are out: the narrow one, then
	says(t, server, 0, "!REFUSED", "until "+long)
	agesAreRight(t, server, -time.Hour)
}

// agesAreRight wants the server to have started, and loaded its files, within the
// last minutes, by its own clock.
func agesAreRight(t *testing.T, s *polaristest.Server, off time.Duration) {
	t.Helper()
	code, out := setctl(t, s, "status", "-o", "json")
	var status struct {
		Now, Started time.Time
		Files        []struct{ LoadedAt, TriedAt time.Time }
	}
	if err := json.Unmarshal([]byte(out), &status); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	if ahead := status.Now.Sub(time.Now()); (ahead - off).Abs() > 10*time.Minute {
		t.Errorf("the server's clock is %v ahead, want %v", ahead, off)
	}
	for _, at := range []time.Time{status.Started, status.Files[0].LoadedAt, status.Files[0].TriedAt, status.Files[1].LoadedAt, status.Files[1].TriedAt} {
		if age := status.Now.Sub(at); age < 0 || age > 10*time.Minute {
			t.Errorf("%v off: %v is %v before %v", off, at, age, status.Now)
		}
	}
}

// A hold-down lasts as long as it should, whatever the wall clock does meanwhile,
// and costs no more.
func TestClockStepsInHoldDown(t *testing.T) {
	t.Parallel()
	server, console := start(t, polaristest.Options{Binary: steppingServer(t), Files: map[string]string{
		"conf/mapping/mapping.yaml": mapping, "conf/routing/routing.yaml": strings.Split(steppedRouting, "evacuate:")[0],
	}})
	must(t, console.Register(t.Context(), novel("held")...))
	eventually(t, server, shanghai, "held", "10.11.0.1")
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		must(t, console.Isolate(t.Context(), "default", "held", "10.11.0.1", true))
		eventually(t, server, shanghai, "held", "10.13.0.1") // widened at once
		back := time.Now()
		must(t, console.Isolate(t.Context(), "default", "held", "10.11.0.1", false))
		wait(t, func() error {
			text := fetch(t, server.AdminURL+"/setrouter/v1/explain?service=default/held&caller="+shanghai.String())
			if !strings.Contains(text, "heldUntil") {
				return fmt.Errorf("nothing is held: %s", text)
			}
			return gets(t, server, shanghai, "held", "10.13.0.1") // explain looks only, a request makes the list that is held
		})
		stepTo(t, server, off)
		built, asked := metric(t, server, "setrouter_view_build_seconds_count"), 0
		wait(t, func() error {
			asked++
			return gets(t, server, shanghai, "held", "10.11.0.1")
		})
		if held := time.Since(back); held < holdDown {
			t.Errorf("with a step of %v the pool was held for less than %v, want %v", off, held, holdDown)
		}
		if n := metric(t, server, "setrouter_view_build_seconds_count") - built; n > 3 {
			t.Errorf("with a step of %v the list was made %v times for %d requests", off, n, asked)
		}
	}
}
