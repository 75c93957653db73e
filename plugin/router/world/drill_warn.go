package world

import (
	"fmt"

	"github.com/polaris-contrib/setrouter/internal/strict"
	"github.com/polaris-contrib/setrouter/plugin/router/explain"
)

// ruleLosses are the losses after which callers of a rule have nothing usable, although
// the service has a usable instance elsewhere.
type ruleLosses struct {
	zones, kinds int
	zone         string // of the worst
	worst        LossRow
}

// WarnOfLosses adds a warning for each rule whose callers have nothing usable if one zone
// is lost, although the service has a usable instance elsewhere: one warning for a rule,
// with counts and an example. A service in one zone alone is not the fault of a rule.
func (w *World) WarnOfLosses(problems *strict.Problems) {
	found := map[string]*ruleLosses{}
	for _, loss := range w.Drill(DrillQuery{Each: "zone"}).Losses {
		inZone := map[string]bool{}
		for _, row := range loss.Rows {
			isMade := row.Before.Answer == explain.AnswerRouted || row.Before.Answer == explain.AnswerBlended
			if !isMade || !row.isElsewhere || row.Change != ChangeEmpty && row.Change != ChangeUnusable {
				continue
			}
			l := found[row.Rule]
			if l == nil {
				l = &ruleLosses{zone: loss.Place, worst: row}
				found[row.Rule] = l
			}
			if !inZone[row.Rule] {
				inZone[row.Rule], l.zones = true, l.zones+1
			}
			l.kinds += row.Kinds
		}
	}
	for _, rule := range w.Rules.All() {
		l := found[rule.Name]
		if l == nil {
			continue
		}
		zones := fmt.Sprintf("any of %d zones", l.zones)
		if l.zones == 1 {
			zones = "a zone"
		}
		problems.Add(strict.Warning(rule.File, rule.Line, rule.Col, "rule %q: if %s is lost, %d of the kinds of callers have nothing usable, though the service has usable instances elsewhere: without %s, as %s (%s) of %q: %s, then %s; see setctl drill --each zone",
			rule.Name, zones, l.kinds, l.zone, explain.Plain(l.worst.Callers), l.worst.Address, l.worst.Service, l.worst.Before, l.worst.After))
	}
}
