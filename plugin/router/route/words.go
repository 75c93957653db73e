package route

import (
	"fmt"
	"slices"
)

// Reason returns why a road is satisfied or not, for operators.
func (d Degrade) Reason(r Road) string {
	unhealthy := r.New - r.NewUsable
	others := ""
	if r.New < r.InService {
		others = " that no earlier road has"
	}
	switch {
	case r.Total == 0:
		return "no instance"
	case r.InService == 0:
		return fmt.Sprintf("none of %d in service", r.Total)
	case d.Overprovision > 0 && r.New > 0:
		return d.reasonOfFigure(r, others)
	case d.ByAbsence:
		return fmt.Sprintf("%d in service, it is left by absence only", r.InService)
	case r.New == 0:
		return fmt.Sprintf("each of %d in service is on an earlier road", r.InService)
	case unhealthy*100 >= r.New*d.UnhealthyPercent:
		return fmt.Sprintf("%d of %d%s unhealthy, it is left at %d%%", unhealthy, r.New, others, d.UnhealthyPercent)
	case r.Usable < r.Wanted && d.MinUsableIsShare:
		return fmt.Sprintf("%d usable, at least %d wanted: %d%% of those on all roads of the tier", r.Usable, r.Wanted, d.MinUsable)
	case r.Usable < r.Wanted:
		return fmt.Sprintf("%d usable, at least %d wanted", r.Usable, r.Wanted)
	}
	return fmt.Sprintf("%d of %d%s usable", r.NewUsable, r.New, others)
}

// reasonOfFigure returns how much a road takes if it can, and why.
func (d Degrade) reasonOfFigure(r Road, others string) string {
	text := fmt.Sprintf("%d of %d%s usable: it can take %d%%", r.NewUsable, r.New, others, d.ownFigure(r))
	if r.Held {
		text += fmt.Sprintf(", held at %d%%", r.Figure)
	}
	return text
}

// String returns the road for operators: its tier and its level, as far as they have
// names.
func (r Road) String() string {
	switch {
	case r.Tier == "" && r.Level == "":
		return "every instance"
	case r.Tier == "":
		return "level " + r.Level
	case r.Level == "":
		return "tier " + r.Tier
	}
	return fmt.Sprintf("tier %s at level %s", r.Tier, r.Level)
}

// Why returns for operators by which rule of docs/design.md, 5.2 the tiers of the choice
// were made.
func (c Choice) Why(rule *Rule) string {
	switch c.SETRule {
	case SETRuleCalleeWithout:
		return "no instance of the service has a SET: every instance"
	case SETRuleCallerWithout:
		switch rule.SET.Unknown {
		case UnknownNone:
			return "the caller's SET is not known: nothing, by unknown: none"
		case UnknownUnset:
			return "the caller's SET is not known: the instances without a SET, by unknown: unset"
		}
		return "the caller's SET is not known: every instance"
	case SETRuleBusinessAbsent:
		if rule.SET.Callee && !slices.Contains(rule.SET.Tiers, TierUnset) {
			return "no instance has the business that is asked for: nothing, since no tier is unset"
		}
		return "no instance has the caller's business: the instances without a SET"
	case SETRuleByTiers:
		if isBusiness(c.SET) {
			return "only the caller's business is known: tier business"
		}
		return "the tiers of the rule"
	}
	return "no SET stage"
}

// LeftOut returns for each instance why the decision leaves it out, and an empty text
// for a chosen instance. The decision was made from the instances of the callee.
func (r Route) LeftOut(d Decision, callee *Callee) []string {
	out := make([]string, len(callee.Instances))
	chosen := make([]bool, len(callee.Instances))
	for _, i := range d.Chosen {
		chosen[i] = true
	}
	for _, c := range d.Choices {
		s := r.newSelection(callee, c.SET)
		for i := range callee.Instances {
			switch {
			case chosen[i] || len(out[i]) > reasonsShown:
			case len(d.Choices) == 1:
				out[i] = s.leftOut(c, i)
			default:
				out[i] = appendReason(out[i], "as "+string(c.SET)+": "+s.leftOut(c, i))
			}
		}
	}
	return out
}

// reasonsShown bounds the text of a reason: a caller may have thousands of SETs.
const reasonsShown = 200

// appendReason adds a reason to others.
func appendReason(text, reason string) string {
	if text == "" {
		return reason
	}
	return text + "; " + reason
}

// leftOut returns why a choice leaves an instance out.
func (s *selection) leftOut(c Choice, i int) string {
	instance := s.callee.Instances[i]
	inTier := ""
	for n := range s.roads.count() {
		t, a := s.roads.place(n)
		tier, area := s.roads.tiers[t].Tier, s.roads.areas[a]
		if !tier.contains(s.set, instance.SET) {
			continue
		}
		inTier = string(tier)
		if !area.has(instance.Location) {
			continue
		}
		if instance.Evacuated && !c.LastResort {
			return "it is evacuated"
		}
		return fmt.Sprintf("it is on another road: %s", Road{Tier: string(tier), Level: area.name})
	}
	if len(s.roads.areas) == 0 {
		return s.noRoad()
	}
	if inTier != "" || s.setRule == SETRuleNone || s.setRule == SETRuleCalleeWithout {
		return fmt.Sprintf("its location %q is on no road from %q", instance.Location, s.Location)
	}
	return s.notInTier(instance)
}

// noRoad returns why a caller has no road at all, whatever the tier.
func (s *selection) noRoad() string {
	if s.Rule.Nearby.Excludes(s.Location) {
		return "the caller's place is not known as far as the rule needs, and the rule is strict"
	}
	return fmt.Sprintf("no road leads from %q", s.Location)
}

// notInTier returns why an instance is in no tier of the caller.
func (s *selection) notInTier(instance Instance) string {
	switch {
	case s.setRule == SETRuleCallerWithout:
		return fmt.Sprintf("the caller's SET is not known, and unknown: %s does not give it this instance", s.Rule.SET.Unknown)
	case instance.SET == "" && s.setRule == SETRuleBusinessAbsent:
		return "it has no SET, and no tier of the rule is unset"
	case instance.SET == "":
		return fmt.Sprintf("it has no SET, so that it is in no tier of %q", s.set)
	case s.setRule == SETRuleBusinessAbsent:
		return fmt.Sprintf("SET %q is of another business", instance.SET)
	}
	return fmt.Sprintf("SET %q is in no tier of %q", instance.SET, s.set)
}
