package route

import (
	"fmt"

	"github.com/polaris-contrib/setrouter/internal/shrink"
)

// Losses returns what would be lost if next took the place of r (docs/design.md, 5):
// the rules whose names next does not have, and the lane addresses whose services it
// does not have.
func (r *Rules) Losses(next *Rules) shrink.Losses {
	remaining := map[string]bool{}
	for _, rule := range next.All() {
		remaining[rule.lossKey()] = true
	}
	rules, addresses := shrink.Loss{What: "rules would be lost"}, shrink.Loss{What: "lane addresses would be lost"}
	byFile := map[string]int{}
	for _, rule := range r.All() {
		loss := &rules
		if rule.IsAddress() {
			loss = &addresses
		}
		loss.Total++
		if remaining[rule.lossKey()] {
			continue
		}
		loss.Lose(func() string { return fmt.Sprintf("%s of %s:%d", rule.noun(), rule.File, rule.Line) })
		byFile[rule.File]++
	}
	return shrink.Losses{Groups: [][]shrink.Loss{{rules}, {addresses}}, ByFile: byFile}
}

// lossKey returns a text that a rule has in common with the rules of its name, and a
// lane address with those of its service.
func (r *Rule) lossKey() string { return fmt.Sprint(r.IsAddress(), " ", r.Name) }
