package boltdb

import (
	"fmt"
	"testing"
	"time"

	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/store"
)

const many = 100_000

// The cache asks each second. Here 100,000 instances are registered, and 100 of
// them were written lately.
func BenchmarkGetMoreInstances(b *testing.B) {
	s := open(b)
	fill(b, s, many)
	more(b, s, time.Unix(1, 0), true)
	since := time.Now()
	for n := range 100 {
		must(b, s.SetInstanceHealthStatus(name(n*many/100), 0, "2"))
	}
	zone := time.Now().Format(" MST")
	// The stock store takes local times for UTC: give it the same window.
	local, err := time.Parse("2006-01-02 15:04:05", since.Add(-time.Second).Format("2006-01-02 15:04:05"))
	must(b, err)
	for _, c := range []struct {
		name  string
		store store.Store
		since time.Time
		first bool
	}{
		{"lately", s, since, false},
		{"lately/stock" + zone, s.Store, local, false},
		{"first", s, time.Unix(1, 0), true},
		{"first/stock" + zone, s.Store, time.Unix(1, 0), true},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var found map[string]*model.Instance
			for b.Loop() {
				tx, err := s.StartReadTx()
				must(b, err)
				found, err = c.store.GetMoreInstances(tx, c.since, c.first, true, nil)
				must(b, err)
				_ = tx.Commit() // as the cache does

			}
			b.ReportMetric(float64(len(found)), "found")
		})
	}
}

func fill(b *testing.B, s *Store, n int) {
	b.Helper()
	var batch []*model.Instance
	for i := range n {
		in := newInstance(name(i), fmt.Sprintf("%032d", i/100), "")
		for k := range 5 {
			in.Proto.Metadata[fmt.Sprintf("label-%d", k)] = fmt.Sprintf("value %d of %d", k, i)
		}
		batch = append(batch, in)
	}
	must(b, s.BatchAddInstances(batch))
}

// name returns an id as long as Polaris makes them.
func name(n int) string { return fmt.Sprintf("%040d", n) }
