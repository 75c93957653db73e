// Package route decides which instances a caller gets: a pure function from
// (identity, rules, instances) to (chosen, why). It knows neither Polaris nor
// clocks nor locks, and serves requests and the operators' commands alike.
//
// A request is decided in two steps. Rules.Route finds the rule and the SET
// and location to route as: a small comparable value, the kind of caller.
// Route.Select then chooses instances for that kind, whoever the caller is.
package route
