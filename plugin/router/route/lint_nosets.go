package route

// warnNoSETs warns, once, of rules that ask for the callers' own SETs where the mapping
// has entries, and not one says a SET: a column may be missing. With unknown: unset or
// none nobody gets another business by it.
func (l *linter) warnNoSETs() {
	if len(l.sets) > 0 || l.table.Len() == 0 {
		return
	}
	var first *Rule
	count := 0
	for _, rule := range l.rules.All() {
		if s := rule.SET; s != nil && s.Unknown == UnknownAll && !s.Callee && len(s.Templates) == 0 {
			if count++; first == nil {
				first = rule
			}
		}
	}
	if first == nil {
		return
	}
	rules := first.noun() + " routes"
	if count > 1 {
		rules = first.noun() + " and " + plural(count-1, "other rule") + " route"
	}
	l.warnRule(first, "%s by the callers' SETs, and no mapping entry says a SET; callers whose SET is not registered either get every business", rules)
}
