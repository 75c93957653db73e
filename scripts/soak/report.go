package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/polaris-contrib/setrouter/internal/table"
	"github.com/polaris-contrib/setrouter/internal/test/oracle"
)

// leastExact is the least share of answers, in percent, that must be checked
// exactly: there is one state in which they can have been given.
const leastExact = 50

// addViolation counts a violation, and keeps a full account of the first ones.
func (c *checker) addViolation(a answer, fault string, states []*dump) {
	c.violations++
	if len(c.accounts) >= mostAccounts {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "VIOLATION %d: %s\n", c.violations, fault)
	if a.caller != nil {
		fmt.Fprintf(&b, "  %s asked %s (process %d) for %s at %s, for %s\n", a.caller.name, a.node, a.life, a.asked,
			a.begin.Format("15:04:05.000"), a.end.Sub(a.begin))
		if !a.pollingSince.IsZero() {
			fmt.Fprintf(&b, "  it has asked there for that without a gap for %.1f s\n", a.begin.Sub(a.pollingSince).Seconds())
		}
	} else {
		fmt.Fprintf(&b, "  %s at %s\n", a.node, a.begin.Format("15:04:05.000"))
	}
	if a.resp != nil {
		fmt.Fprintf(&b, "  answer (revision %s, unchanged: %t): %s\n", a.resp.GetService().GetRevision().GetValue(), a.unchanged, indent(textOfAnswer(a.resp)))
	}
	for _, d := range states {
		fmt.Fprintf(&b, "  in the state of %s to %s: %s", d.begin.Format("15:04:05.000"), d.end.Format("15:04:05.000"), c.account(a, d))
	}
	fmt.Fprintf(&b, "  done before:\n%s", c.actions.lately(a.end, 15*time.Second))
	c.accounts = append(c.accounts, b.String())
}

// account returns what the oracle says of an answer in a state.
func (c *checker) account(a answer, d *dump) string {
	k := c.ask(a, d)
	want, choices := expect(k)
	out := fmt.Sprintf("the caller is %+v, routed as %q from %v; rule %q, stock because: %q\n", k.Caller, k.SETs, k.Place, k.Rule.Name, k.Why)
	if k.Why == "" {
		out += fmt.Sprintf("    set %+v nearby %+v first %t degrade %+v onEmpty all %t rollout %d by weight %t\n",
			value(k.Rule.SET), value(k.Rule.Nearby), k.Rule.NearbyFirst, k.Rule.Degrade, k.Rule.OnEmptyAll, k.Rule.Rollout, k.Rule.ByWeight)
	}
	for n, choice := range choices {
		out += fmt.Sprintf("    as %q: by rule %d tier %q level %q: %v\n", k.SETs[n], choice.SETRule, choice.Tier, choice.Level, choice.Chosen)
	}
	var all []oracle.Member
	for _, i := range k.All {
		all = append(all, oracle.Member{Instance: i, SentWeight: i.Weight})
	}
	return out + fmt.Sprintf("    the oracle gives: %s\n    of: %s\n", indent(want), indent(textOfMembers(all, true)))
}

func value[T any](p *T) any {
	if p == nil {
		return "none"
	}
	return *p
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n      ") }

// shownUnder returns what SDKs show under a revision. It is not ok if no caller was
// given the revision.
func (c *checker) shownUnder(revision string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum, ok := c.ledger.forSDK[revision]
	return sum, ok
}

// waiting returns how many answers are not judged yet.
func (c *checker) waiting() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, list := range c.pending {
		n += len(list)
	}
	return n
}

// report prints what the soak saw. Its error says what is wrong.
func (s *soak) report() error {
	out := s.plan.out
	alone := 0
	if s.sdk != nil {
		alone = s.sdk.matchRest(s)
	}
	c := s.check
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.accounts {
		fmt.Fprintln(out, a)
	}
	share := float64(c.exact) * 100 / float64(max(c.answers, 1))
	fmt.Fprintf(out, "answers %d (routed %d, stock %d, empty %d, DataNoChange %d), %d revisions; while a node was down %d got none\n",
		c.answers, c.routed, c.stock, c.empty, c.unchanged, len(c.ledger.content), c.unreachable)
	fmt.Fprintf(out, "exactly checked %d (%.1f%%), of them %d held by holdDown; perhaps held %d; "+
		"in a change: as one of its states %d, moving %d; around a start or end %d\n", c.exact, share, c.held, c.loose, c.oneOf, c.moving, c.unjudged)
	fmt.Fprintf(out, "answers to hostile requests %d; lists over Eureka and L5 %d, of which %d were for a caller of a known business\n", c.hostile, c.overOthers, c.leakChecked)
	fmt.Fprintf(out, "decided by:")
	for _, kind := range sorted(slices.Collect(maps.Keys(c.rules))) {
		fmt.Fprintf(out, " [%s] %d", kind, c.rules[kind])
	}
	fmt.Fprintf(out, "\nstates seen %d; done: %s\n", c.states, s.actions.summary())
	if s.sdk != nil {
		fmt.Fprintf(out, "SDK lists %d (empty %d), compared %d, revisions that only an SDK was given %d, errors %v\n", s.sdk.lists, s.sdk.empty, s.sdk.compared, alone, s.sdk.errors)
	}
	grew := s.printTrends()
	fmt.Fprintf(out, "violations %d\n", c.violations)
	switch {
	case c.violations > 0:
		return fmt.Errorf("%d violations, seed %d", c.violations, s.plan.seed)
	case grew:
		return fmt.Errorf("memory or goroutines grow")
	case share < leastExact:
		return fmt.Errorf("only %.1f%% of the answers were checked exactly, expected %d%%", share, leastExact)
	case !s.actions.mostSucceeded():
		return errors.New("more changes failed than were done: too little was seen")
	case c.hostile == 0:
		return errors.New("no hostile request was answered: too little was seen")
	case c.leakChecked == 0 && s.plan.duration >= time.Minute: // a short run may have drawn no rule that keeps businesses apart
		return errors.New("no list over Eureka or L5 was for a caller of a known business: too little was seen")
	case s.sdk != nil && s.sdk.compared == 0:
		return errors.New("no list of an SDK was compared: too little was seen")
	}
	return nil
}

// printTrends prints medians of the quarters of each process's life.
func (s *soak) printTrends() (grew bool) {
	t := table.New(s.plan.out)
	fmt.Fprintln(t, "node\tprocess\tlived\tMB by quarter\tgoroutines by quarter\t")
	for _, p := range s.memory.trends() {
		verdict := "too short to judge"
		if p.judged {
			verdict = map[bool]string{false: "flat", true: "GROWS"}[p.grew]
			grew = grew || p.grew
		}
		var megabytes, goroutines []string
		for _, q := range p.quarters {
			megabytes, goroutines = append(megabytes, fmt.Sprintf("%.0f", q.megabytes)), append(goroutines, fmt.Sprintf("%.0f", q.goroutines))
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t%s\t%s\t%s\n", p.node, p.life, p.lived.Round(time.Second),
			strings.Join(megabytes, " "), strings.Join(goroutines, " "), verdict)
	}
	t.Flush()
	return grew
}
