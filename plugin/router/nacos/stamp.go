package nacos

import (
	"sync/atomic"
	"time"
)

// maxAhead is by how many milliseconds stamps may be ahead of the clock, as they are where
// more than 1000 lists are sent in a second. It is below the difference of clocks that the
// status tells: a client that changes nodes may drop lists that seem older than its own.
const maxAhead = 500

// stamps give lists their lastRefTime. The zero value is ready. It is safe for concurrent
// use.
type stamps struct {
	last atomic.Int64
	now  func() time.Time // nil: time.Now
}

// lastRefTime is the stamps of this node.
var lastRefTime stamps

// next returns the clock in milliseconds, or 1 more than the last stamp: clients may drop a
// list whose stamp is not above that of the list before. Where so many lists are sent that
// the last stamp is already maxAhead of the clock, next returns that once more. A clock that
// is put back is waited for, by steps of 1.
func (s *stamps) next() int64 {
	for {
		last, now := s.last.Load(), s.clock()
		if ahead := last - now; ahead >= maxAhead && ahead <= 2*maxAhead {
			return last
		}
		stamp := max(now, last+1)
		if s.last.CompareAndSwap(last, stamp) {
			return stamp
		}
	}
}

func (s *stamps) clock() int64 {
	if s.now != nil {
		return s.now().UnixMilli()
	}
	return time.Now().UnixMilli()
}
