package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// CallerStates are what callers have now (docs/design.md, 8). A caller counts for each
// service that it asked for in the last two minutes.
type CallerStates struct {
	Counts map[string]int `json:"counts"` // callers by state, one of States
	// Kinds are the kinds of callers, the worst first, and the first of these only.
	Kinds []KindState `json:"kinds"`
	More  int         `json:"more"` // kinds that are not listed
	// Complete is false if there are more callers than a node remembers.
	Complete bool `json:"complete"`
	// Notes say of which nodes these are not the callers, and why.
	Notes []string `json:"notes"`
	// Alone is that only this node's callers are here, as the set-admin listener has no
	// token.
	Alone bool `json:"alone,omitempty"`
}

// States are the states of callers, the worst first.
var States = []string{"empty", "unusable", "unknown", "widened", "first", "shadow", "stock"}

// IsState reports whether a word is one of States.
func IsState(word string) bool { return slices.Contains(States, word) }

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

// NewCallerStates returns the states of kinds of callers.
func NewCallerStates(kinds []KindState, complete bool) CallerStates {
	s := CallerStates{Counts: map[string]int{}, Kinds: kinds, Complete: complete, Notes: []string{}}
	for _, k := range kinds {
		s.Counts[k.State] += k.Callers
	}
	s.sort()
	return s
}

// sort puts the worst kinds first.
func (s *CallerStates) sort() {
	slices.SortStableFunc(s.Kinds, func(a, b KindState) int {
		return cmp.Or(cmp.Compare(slices.Index(States, a.State), slices.Index(States, b.State)), cmp.Compare(b.Callers, a.Callers),
			cmp.Compare(a.Service, b.Service), cmp.Compare(a.Kind, b.Kind))
	})
}

// Cut leaves n kinds at most, the worst.
func (s *CallerStates) Cut(n int) {
	if len(s.Kinds) > n {
		s.Kinds, s.More = s.Kinds[:n:n], s.More+len(s.Kinds)-n
	}
}

// Add adds the callers of another node. A caller that went from one node to the other
// counts twice for two minutes.
func (s *CallerStates) Add(other CallerStates) {
	for state, n := range other.Counts {
		s.Counts[state] += n
	}
	s.Complete, s.More = s.Complete && other.Complete, s.More+other.More
	alike := func(k KindState) KindState {
		k.Callers, k.Example, k.Last = 0, netip.Addr{}, time.Time{}
		return k
	}
	index := map[KindState]int{}
	for n, k := range s.Kinds {
		index[alike(k)] = n
	}
	for _, k := range other.Kinds {
		n, ok := index[alike(k)]
		if !ok {
			s.Kinds = append(s.Kinds, k)
			continue
		}
		s.Kinds[n].Callers += k.Callers
		if k.Last.After(s.Kinds[n].Last) {
			s.Kinds[n].Last = k.Last
		}
	}
	s.sort()
}

// Check returns an error if no node would say this.
func (s CallerStates) Check() error {
	for state, n := range s.Counts {
		if !slices.Contains(States, state) || n < 0 {
			return errors.New("callers in a state that there is not")
		}
	}
	for _, k := range s.Kinds {
		if !slices.Contains(States, k.State) || k.Callers < 0 {
			return errors.New("a kind of callers in a state that there is not")
		}
	}
	return nil
}

// Nothing returns how many callers have no instance that works, by a rule.
func (s CallerStates) Nothing() int { return s.Counts["empty"] + s.Counts["unusable"] }

// total returns how many callers there are.
func (s CallerStates) total() (n int) {
	for _, callers := range s.Counts {
		n += callers
	}
	return n
}

// Headline says in a sentence how callers are.
func (s CallerStates) Headline() string {
	total := s.total()
	switch {
	case s.Nothing() > 0 && len(s.Kinds) > 0:
		worst := s.Kinds[0]
		return fmt.Sprintf("%s without a usable instance: %s for %s, by rule %s, has %d of %d usable", callers(s.Nothing()), worst.Service, worst.Kind, worst.Rule, worst.Usable, worst.Sent)
	case s.Counts["widened"] > 0 || s.Counts["unknown"] > 0:
		return fmt.Sprintf("nobody is without a usable instance; of %s %s", callers(total), s.degraded())
	case total == 0:
		return "nobody asked in the last two minutes"
	}
	return fmt.Sprintf("nobody is without a usable instance; %s", callers(total))
}

// degraded says how many callers have a later road, or nothing.
func (s CallerStates) degraded() string {
	var parts []string
	for _, part := range []struct{ state, text string }{{"widened", "a later road than the first"}, {"unknown", "nothing, as they are not known"}} {
		switch n := s.Counts[part.state]; {
		case n == 1:
			parts = append(parts, "1 has "+part.text)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d have %s", n, part.text))
		}
	}
	return strings.Join(parts, ", ")
}

func callers(n int) string {
	if n == 1 {
		return "1 caller"
	}
	return fmt.Sprintf("%d callers", n)
}
