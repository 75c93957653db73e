package world

import "github.com/polaris-contrib/setrouter/plugin/router/route"

// PlanKinds returns the kinds of callers that NewPlan looks at.
func PlanKinds(before, after *World) []Kind {
	return kinds((*route.Rules).ConditionKeys, before, after)
}
