// Package route decides which instances a caller gets: a pure function from
// (identity, rules, instances) to (chosen instances, reason). The package uses no
// Polaris code, no clock and no lock. Requests and the operators' commands share
// it.
//
// A request is decided in two steps. Rules.Route (match.go) finds the rule, and the
// SET and location to route the caller as. The result, a Route, is a small comparable
// value: the kind of caller. Then instances are chosen for that kind (select.go), and
// made into the list to send (answer.go). Requests enter by Route.Settle (hold.go),
// which has the hold-down; commands over a state, which have no past, by Route.Answer.
//
// docs/design.md, 5 is the contract. It is ahead of this package: its notes "Not yet"
// say what the package does today, above all that it chooses a tier first, and then a
// level among the instances of that tier, where the contract has roads.
package route
