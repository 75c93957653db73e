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
}

// of returns the warnings of rules and a mapping, and of the server's configuration. The slice is shared, and not written.
func (l *lints) of(rules *route.Rules, table *location.Table, config *serverconfig.Config) []strict.Problem {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.warnings == nil || l.rules != rules || l.table != table {
		var found strict.Problems
		config.WarnOfProxies(table, &found)
		rules.Lint(table, &found)
		l.rules, l.table, l.warnings = rules, table, append([]strict.Problem{}, found.List()...)
	}
	return l.warnings
}
