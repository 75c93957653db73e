//go:build !linux

package livefile

import (
	"os"
	"time"
)

// changedAt returns the zero time: on this system only the time of the last write is known.
func changedAt(os.FileInfo) time.Time { return time.Time{} }

// linksOf returns false: on this system the number of links is not known.
func linksOf(os.FileInfo) (links uint64, ok bool) { return 0, false }
