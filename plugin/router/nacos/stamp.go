package nacos

import (
	"sync/atomic"
	"time"
)

// maxAhead is by how many milliseconds stamps may be ahead of the clock, as they are where
// more than 1000 lists are sent in a second. It is below the difference of clocks that the
// nodes report: a client that changes nodes drops lists that seem to be older than its own.
const maxAhead = 500

// stamps give each list its lastRefTime. The zero value is ready. It is safe for concurrent
// use.
type stamps struct {
	last atomic.Int64
	now  func() time.Time // nil: time.Now
}

// next returns the clock in milliseconds, or at least 1 more than the last stamp, as some
// clients drop a list whose stamp is not above the one before. Where the last stamp is
// already maxAhead of the clock, next returns that once more. The result is always above
// after, which is the last stamp that the receiver got, 0 where nobody knows.
func (s *stamps) next(after int64) int64 {
	for {
		last, now := s.last.Load(), s.clock()
		stamp := max(now, last+1)
		if stamp > now+maxAhead {
			return max(last, after+1)
		}
		if s.last.CompareAndSwap(last, stamp) {
			return max(stamp, after+1)
		}
	}
}

func (s *stamps) clock() int64 {
	if s.now != nil {
		return s.now().UnixMilli()
	}
	return time.Now().UnixMilli()
}
