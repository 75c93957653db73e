package route

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/plugin/location"
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

	conditionServiceMetadata condition = "serviceMetadata"
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
		return wants(string(w.set.text), joined(id.AllSETs()))
	case conditionRegion:
		return wants(w.region, id.Region)
	case conditionZone:
		return wants(w.zone, id.Zone)
	case conditionCampus:
		return wants(w.campus, id.Campus)
	case conditionLabels:
		return describeMissing("when.labels", "caller", id.Labels, w.labels)
	case conditionServiceMetadata:
		return describeMissing("when.serviceMetadata", "service", req.Metadata, w.serviceMetadata)
	case conditionIP:
		return fmt.Sprintf("when.ip does not hold %s", req.Addr)
	}
	var services []string
	for _, p := range r.services {
		services = append(services, p.String())
	}
	return "it is for " + strings.Join(services, ", ")
}

// describeMissing says which wanted value is not there. The key is the first in order.
func describeMissing(condition, owner string, values, wanted map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if got, ok := values[key]; !ok || got != wanted[key] {
			return fmt.Sprintf("%s wants %s: %q, the %s has %q", condition, key, wanted[key], owner, got)
		}
	}
	return ""
}

// joined returns SETs in one text.
func joined(sets []location.SET) string {
	var texts []string
	for _, set := range sets {
		texts = append(texts, string(set))
	}
	return strings.Join(texts, ", ")
}
