// Package shrink judges whether a reload would lose too much of what is in force
// (docs/design.md, 3 and 5). What is lost is counted by those who know the values:
// plugin/location for the mapping, plugin/router/route for rules.
package shrink

import (
	"fmt"
	"math"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/plural"
)

// DefaultPercent is the limit where the configuration sets none.
const DefaultPercent = 30

// Loss is how many things of one sort a reload would lose.
type Loss struct {
	// What names the sort, in the plural, and goes on with what would happen:
	// "rules would be lost".
	What        string
	Lost, Total int
	Example     string // one that would be lost, with its origin; empty if none would
}

// Lose counts one more that would be lost. The first one is the example.
func (l *Loss) Lose(example func() string) {
	if l.Lost == 0 {
		l.Example = example()
	}
	l.Lost++
}

// Losses are what a reload would lose.
type Losses struct {
	// Groups have the losses that tell of one thing in several ways. Of each group a
	// message has the greatest.
	Groups [][]Loss
	// ByFile is how many entries of each file in force would be lost, by the name of
	// the file.
	ByFile map[string]int
}

// Check returns an error if more than percent of anything would be lost. At 100
// percent no share is too large. Gone are the files in force that are there no more:
// Check also returns an error if one of them takes entries with it, at any percent.
func (l Losses) Check(percent int, gone []string) error {
	for _, name := range gone {
		if n := l.ByFile[name]; n > 0 {
			return fmt.Errorf("%s: is gone, and %s with it; put it back, or if that is meant, setctl reload --force", name, plural.Count(n, "entry", "entries"))
		}
	}
	var found []string
	for _, group := range l.Groups {
		if worst, ok := worst(group, percent); ok {
			found = append(found, worst.String())
		}
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("refused: %s; more than %d%% (shrinkGuardPercent) is taken for an accident; if that is meant, setctl reload --force", strings.Join(found, "; "), percent)
}

// worst returns the loss with the greatest share of those that are too large, the
// first of equal ones.
func worst(group []Loss, percent int) (worst Loss, ok bool) {
	for _, loss := range group {
		if loss.Lost*100 > loss.Total*percent && (!ok || loss.Lost*worst.Total > worst.Lost*loss.Total) {
			worst, ok = loss, true
		}
	}
	return worst, ok
}

// String returns the loss for people: how many of how many, the share in percent,
// rounded up to a tenth, and the example.
func (l Loss) String() string {
	tenths := math.Ceil(float64(l.Lost) * 1000 / float64(l.Total))
	return fmt.Sprintf("%d of %d %s (%g%%), as %s", l.Lost, l.Total, l.What, tenths/10, l.Example)
}
