package explain

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// State is an answer in short. Its JSON is part of plans and of the log of changes.
type State struct {
	Answer    Answer   `json:"answer"`
	Rule      string   `json:"rule,omitempty"`
	Tier      string   `json:"tier,omitempty"`
	Level     string   `json:"level,omitempty"`
	Instances int      `json:"instances"`
	Usable    int      `json:"usable"`
	Hosts     []string `json:"hosts,omitempty"` // the first few
	Revision  string   `json:"revision,omitempty"`
}

// String returns "2/3 routed rule tier level": 2 of 3 instances are usable.
func (s State) String() string {
	out := fmt.Sprintf("%d/%d %s", s.Usable, s.Instances, s.Answer)
	for _, word := range []string{s.Rule, s.Tier, s.Level} {
		if word != "" {
			out += " " + word
		}
	}
	return out
}

// HostsShown is how many hosts a State lists.
const HostsShown = 5

// State returns the explanation in short.
func (e Explanation) State() State {
	s := State{Answer: e.Answer, Tier: e.Tier, Level: e.Level, Instances: e.Sent, Revision: e.Revision}
	if e.Rule != nil {
		s.Rule = e.Rule.Name
	}
	for _, i := range e.Instances {
		if !i.Sent {
			continue
		}
		if i.Usable {
			s.Usable++
		}
		if len(s.Hosts) < HostsShown {
			s.Hosts = append(s.Hosts, i.Host)
		}
	}
	return s
}

// IsWidened reports whether some choice has another road than the first one alone, or
// onEmpty: all answers.
func (e Explanation) IsWidened() bool {
	return slices.ContainsFunc(e.Choices, func(c Choice) bool {
		isTaken := func(r Road) bool { return r.Taken }
		return c.Widened || len(c.Roads) > 0 && (!c.Roads[0].Taken || slices.ContainsFunc(c.Roads[1:], isTaken))
	})
}

// AnswerOf returns what a rule sends to callers that its rollout includes.
func AnswerOf(r *route.Rule) Answer {
	switch {
	case r.Shadow:
		return AnswerShadow
	case r.Blends():
		return AnswerBlended
	}
	return AnswerRouted
}
