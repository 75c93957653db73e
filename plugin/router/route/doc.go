// Package route decides which instances a caller gets: a pure function from
// (identity, rules, instances) to (chosen instances, reason). The package uses no
// Polaris code, no clock and no lock. Requests and the operators' commands share
// it.
//
// A request is decided in two steps. Rules.Route (match.go) finds the rule, and the
// SETs and location to route the caller as (sets.go, template.go). The result, a Route,
// is a small comparable value: the kind of caller. Then instances are chosen for that
// kind, and made into the list to send (answer.go). Requests enter by Route.Settle
// (hold.go), which has the hold-down; commands over a state, which have no past, by
// Route.Answer.
//
// A choice is made among roads (roads.go): each tier (tier.go) at each level (level.go,
// places.go), in the order of the rule. The first road that is satisfied is taken
// (select.go), or with `overprovision` several roads take shares (shares.go), which the list
// has as weights (shares_weights.go). A caller with several SETs has roads, and a choice, for
// each of them. Clients that fail over by themselves get all roads (priorities.go).
//
// A part of a rule and its reader stand in one file: when.go, stage_set.go,
// stage_nearby.go, stage_degrade.go, evacuate.go; the maps of places are read by
// placemaps.go, what is common to all by file.go, stages.go and defaults.go. The files
// lint*.go judge what loads. The files words.go and ends.go say for operators why.
//
// docs/design.md, 5 is the contract. Its notes "Not yet" say what is missing here.
package route
