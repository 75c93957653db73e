package api

import (
	"fmt"
	"net/netip"
	"time"
)

// CallerStates are what callers have now (docs/design.md, 8). A caller counts for each service
// that it asked for in the last two minutes.
type CallerStates struct {
	// Counts are the callers by state: first, widened, unusable, empty, unknown, stock,
	// shadow.
	Counts map[string]int `json:"counts"`
	// Kinds are the kinds of callers, the worst first, and the first of these only.
	Kinds []KindState `json:"kinds"`
	More  int         `json:"more"` // kinds that are not listed
	// Complete is false if there are more callers than a node remembers.
	Complete bool `json:"complete"`
}

// KindState is what the callers of a kind have of a service.
type KindState struct {
	Service string     `json:"service"` // as asked for
	Rule    string     `json:"rule,omitempty"`
	Kind    string     `json:"kind,omitempty"` // the SET and place of the callers; empty for the stock answer
	State   string     `json:"state"`
	Tier    string     `json:"tier,omitempty"`
	Level   string     `json:"level,omitempty"`
	Usable  int        `json:"usable"` // of the instances sent
	Sent    int        `json:"sent"`
	Callers int        `json:"callers"`
	Example netip.Addr `json:"example"` // one of the callers
	Last    time.Time  `json:"last"`    // of their requests
}

// HasNothing reports whether the callers have no instance that works, by a rule.
func (k KindState) HasNothing() bool { return k.State == "empty" || k.State == "unusable" }

// Nothing returns how many callers have no instance that works, by a rule.
func (s CallerStates) Nothing() int { return s.Counts["empty"] + s.Counts["unusable"] }

// Headline says in a sentence how callers are.
func (s CallerStates) Headline() string {
	total := 0
	for _, n := range s.Counts {
		total += n
	}
	switch {
	case s.Nothing() > 0:
		worst := s.Kinds[0]
		return fmt.Sprintf("%s without a usable instance: %s for %s, by rule %s, has %d of %d usable", callers(s.Nothing()), worst.Service, worst.Kind, worst.Rule, worst.Usable, worst.Sent)
	case s.Counts["widened"] > 0 || s.Counts["unknown"] > 0:
		return fmt.Sprintf("nobody is without a usable instance; of %s %d have a later road than the first, %d nothing, as they are not known", callers(total), s.Counts["widened"], s.Counts["unknown"])
	case total == 0:
		return "nobody asked in the last two minutes"
	}
	return fmt.Sprintf("nobody is without a usable instance; %s", callers(total))
}

func callers(n int) string {
	if n == 1 {
		return "1 caller"
	}
	return fmt.Sprintf("%d callers", n)
}
