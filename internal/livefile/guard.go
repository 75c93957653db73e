package livefile

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// ShrinkGuard refuses a reload that would lose more than percent of the
// entries; at 100 it refuses nothing.
func ShrinkGuard(percent int) func(oldCount, newCount int) error {
	return func(oldCount, newCount int) error {
		if lost := oldCount - newCount; lost*100 > oldCount*percent {
			return fmt.Errorf("refused: %d of %d entries would be lost, more than %d%% (shrinkGuardPercent); if that is meant, setctl reload --force", lost, oldCount, percent)
		}
		return nil
	}
}

// vanished refuses a set of files from which one is gone together with what it
// held. One that was renamed has left its entries behind.
func (l *Live[T]) vanished(files []strict.File, count int) error {
	if count >= l.status.Count {
		return nil
	}
	for _, old := range l.inForce {
		there := func(f strict.File) bool { return f.Name == old.Name }
		if !slices.ContainsFunc(files, there) {
			return fmt.Errorf("%s: is gone, and %d entries with it; put it back, or if that is meant, setctl reload --force", old.Name, l.status.Count-count)
		}
	}
	return nil
}
