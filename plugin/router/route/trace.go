package route

import (
	"fmt"
	"strings"
)

// condition names a part of a rule that a request may not meet.
type condition string

const (
	conditionNone    condition = ""
	conditionService condition = "service"
	conditionIP      condition = "ip"
	conditionSET     condition = "set"
	conditionRegion  condition = "region"
	conditionZone    condition = "zone"
	conditionCampus  condition = "campus"
	conditionLabels  condition = "labels"
)

// Passed is a rule that came before the one that decides, and why the rule does
// not match.
type Passed struct {
	Rule *Rule
	Why  string
	// OtherService is true if the rule is for other services.
	OtherService bool
}

// Trace gathers what Route looks at on its way to a rule.
type Trace struct {
	// Passed are the rules before the one that decides: all rules, if none does.
	// A lane address passes no rule.
	Passed []Passed
}

// add gathers a rule and the condition that the request does not meet.
func (t *Trace) add(rule *Rule, unmet condition, req Request) {
	t.Passed = append(t.Passed, Passed{rule, rule.describeUnmet(unmet, req), unmet == conditionService})
}

// describeUnmet says what a condition wants and what the request has.
func (r *Rule) describeUnmet(unmet condition, req Request) string {
	wants := func(want, got string) string {
		if got == "" {
			return fmt.Sprintf("when.%s wants %q, the caller has none", unmet, want)
		}
		return fmt.Sprintf("when.%s wants %q, the caller has %q", unmet, want, got)
	}
	w, id := r.when, req.Caller
	switch unmet {
	case conditionSET:
		return wants(string(w.set.text), string(id.SET))
	case conditionRegion:
		return wants(w.region, id.Region)
	case conditionZone:
		return wants(w.zone, id.Zone)
	case conditionCampus:
		return wants(w.campus, id.Campus)
	case conditionLabels:
		for k, v := range w.labels {
			if got := id.Labels[k]; got != v {
				return fmt.Sprintf("when.labels wants %s: %q, the caller has %q", k, v, got)
			}
		}
	case conditionIP:
		return fmt.Sprintf("when.ip does not hold %s", req.Addr)
	}
	var services []string
	for _, p := range r.services {
		services = append(services, p.String())
	}
	return "it is for " + strings.Join(services, ", ")
}

// Reason returns why a tier or level is satisfied or not, for operators.
func (d Degrade) Reason(s Step) string {
	unusable := s.Total - s.Usable
	switch {
	case s.Total == 0:
		return "no instance"
	case d.ByAbsence:
		return "it has instances, and is left by absence only"
	case unusable*100 >= s.Total*d.UnhealthyPercent:
		return fmt.Sprintf("%d of %d not usable, it is left at %d%%", unusable, s.Total, d.UnhealthyPercent)
	case s.Usable < d.MinUsable:
		return fmt.Sprintf("%d usable, at least %d wanted", s.Usable, d.MinUsable)
	}
	return fmt.Sprintf("%d of %d usable", s.Usable, s.Total)
}

// String returns for operators by which rule of docs/design.md, 5.2 the stage decided.
func (r SETRule) String() string {
	switch r {
	case SETRuleCalleeWithout:
		return "no instance of the service has a SET: all pass"
	case SETRuleCallerWithout:
		return "the caller has no SET: all pass, or none with required: true"
	case SETRuleBusinessAbsent:
		return "no instance has the caller's business: those without a SET"
	case SETRuleByTiers:
		return "the first satisfied tier"
	}
	return "no SET stage"
}

// LeftOut returns for each instance why the decision leaves it out, and an empty text
// for a chosen instance. Instances are those that the decision was made from.
func (r Route) LeftOut(d Decision, instances []Instance) []string {
	out := make([]string, len(instances))
	chosen := make([]bool, len(instances))
	for _, i := range d.Chosen {
		chosen[i] = true
	}
	for i, instance := range instances {
		if !chosen[i] {
			out[i] = r.leftOut(d, instance)
		}
	}
	return out
}

// leftOut returns why a decision leaves an instance out.
func (r Route) leftOut(d Decision, i Instance) string {
	set := "SET \"" + string(i.SET) + "\""
	if i.SET == "" {
		set = "no SET"
	}
	switch {
	case d.SETRule == SETRuleCallerWithout && r.Rule.SET.Required && !d.Widened:
		return "the caller has no SET, and the rule requires one"
	case d.SETRule == SETRuleBusinessAbsent && i.SET != "":
		return set + " is of another business"
	case d.SETRule == SETRuleByTiers && !d.Widened && (d.Tier == "" || !Tier(d.Tier).contains(r.SET, i.SET)):
		return r.notInTier(d, i, set)
	case d.SETRule == SETRuleByTiers && d.Widened:
		return set + " is in no tier of the rule"
	}
	if r.Rule.Nearby != nil && r.Location.Depth() == 0 && r.Rule.Nearby.Strict {
		return "the caller has no location, and the rule is strict"
	}
	if r.Rule.Nearby != nil && !d.Widened && r.Location.Depth() > 0 {
		level := ParseLevel(d.Level)
		if d.Level == "" {
			return fmt.Sprintf("its location %q is in no level down to maxMatchLevel %s", i.Location, r.Rule.Nearby.Max)
		}
		if !level.contains(r.Location, i.Location) {
			return fmt.Sprintf("its location %q is outside of level %s %q", i.Location, level, r.Location.Cut(int(level)))
		}
	}
	return "it is evacuated, and the list has another usable instance"
}

// notInTier returns why an instance is not in the chosen tier. It names the tier of
// the rule that has the instance.
func (r Route) notInTier(d Decision, i Instance, set string) string {
	for _, tier := range r.Rule.SET.Tiers {
		if tier.contains(r.SET, i.SET) {
			return fmt.Sprintf("%s is in tier %s, and tier %s decides", set, tier, d.Tier)
		}
	}
	if d.Tier == "" {
		return set + " is in no tier of the rule"
	}
	return fmt.Sprintf("%s is not in tier %s of %q", set, d.Tier, r.SET)
}
