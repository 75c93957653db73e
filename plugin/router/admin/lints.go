package admin

import (
	"sync"

	"github.com/polaris-contrib/setrouter/internal/serverconfig"
	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/location"
	"github.com/polaris-contrib/setrouter/plugin/router/route"
)

// lints keeps the warnings of the files in force until other files are in force: with
// thousands of rules they take seconds to find. A lints is for concurrent use.
type lints struct {
	mu       sync.Mutex
	rules    *route.Rules
	table    *location.Table
	warnings []strict.Problem
	unknown  []strict.Problem
}

// of returns the warnings of rules and a mapping: of route.Lint and the server's
// configuration, and of LintUnknown. The slices are shared, and not written.
func (l *lints) of(rules *route.Rules, table *location.Table, config *serverconfig.Config) (warnings, unknown []strict.Problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.warnings == nil || l.rules != rules || l.table != table {
		var found, unknown strict.Problems
		config.WarnOfProxies(table, &found)
		rules.Lint(table, &found)
		rules.LintUnknown(table, &unknown)
		l.rules, l.table = rules, table
		l.warnings, l.unknown = append([]strict.Problem{}, found.List()...), unknown.List()
	}
	return l.warnings, l.unknown
}
