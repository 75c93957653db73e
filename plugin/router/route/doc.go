// Package route decides which instances a caller gets: a pure function from
// (identity, rules, instances) to (chosen instances, reason). The package uses no
// Polaris code, no clock and no lock. Requests and the operators' commands share
// it.
//
// A request is decided in two steps. Rules.Route finds the rule, and the SET and
// location to route the caller as. The result, a Route, is a small comparable
// value: the kind of caller. Route.Select chooses instances for that kind; Settle
// does so with the hold-down.
package route
