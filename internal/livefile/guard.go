package livefile

import (
	"fmt"
	"slices"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// ShrinkGuard returns a guard that refuses a reload by which more than percent of
// the entries would be lost. At 100 it refuses nothing.
func ShrinkGuard(percent int) func(oldCount, newCount int) error {
	return func(oldCount, newCount int) error {
		if lost := oldCount - newCount; lost*100 > oldCount*percent {
			return fmt.Errorf("refused: %d of %d entries would be lost, more than %d%% (shrinkGuardPercent); if that is meant, setctl reload --force", lost, oldCount, percent)
		}
		return nil
	}
}

// askGuards refuses files whose value would lose too much of the value in force.
func (l *Live[T]) askGuards(files []strict.File, count int) error {
	if err := l.checkGone(files, count); err != nil {
		return err
	}
	if l.options.Guard != nil {
		return l.options.Guard(l.status.Count, count)
	}
	return nil
}

// checkGone refuses files from which one is gone together with its entries. A
// file that was renamed has left its entries behind.
func (l *Live[T]) checkGone(files []strict.File, count int) error {
	if count >= l.status.Count {
		return nil
	}
	for _, old := range l.inForce.files {
		sameName := func(file strict.File) bool { return file.Name == old.Name }
		if !slices.ContainsFunc(files, sameName) {
			return fmt.Errorf("%s: is gone, and %d entries with it; put it back, or if that is meant, setctl reload --force", old.Name, l.status.Count-count)
		}
	}
	return nil
}
