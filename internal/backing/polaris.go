package backing

import (
	"context"
	"fmt"
	"time"

	"github.com/polarismesh/polaris/plugin"
	"github.com/polarismesh/polaris/store"
)

// The names, in the configuration of Polaris, of what is inside the server itself and
// cannot go away.
const (
	embeddedStore     = "boltdbStore"
	heartbeatInMemory = "heartbeatMemory"
)

// StoreOf returns the store as a backing service, nil where it is the embedded one.
func StoreOf(s store.Store) *Service {
	if s.Name() == embeddedStore {
		return nil
	}
	return New(KindStore, s.Name(), func() error { return readNothing(s) })
}

// readNothing reads from a store what its caches read each second, with nothing to come:
// a store can answer, and be without its tables. The time is the main database's, the
// others may be a replica's.
func readNothing(s store.Store) error {
	seconds, err := s.GetUnixSecond(0)
	if err != nil {
		return err
	}
	later := time.Unix(seconds, 0).Add(24 * time.Hour)
	if _, err := s.GetMoreServices(later, false, false, false); err != nil {
		return fmt.Errorf("its services cannot be read: %w", err)
	}
	tx, err := s.StartReadTx()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := s.GetMoreInstances(tx, later, false, false, nil); err != nil {
		return fmt.Errorf("its instances cannot be read: %w", err)
	}
	return nil
}

// HeartbeatsOf returns where a checker keeps heartbeats as a backing service: Redis, or
// the node that is the leader. It returns nil where heartbeats are kept in memory.
func HeartbeatsOf(checker plugin.HealthChecker) *Service {
	if checker.Name() == heartbeatInMemory {
		return nil
	}
	return New(KindHeartbeats, checker.Name(), func() error {
		// No instance has this id: the answer is that there is none.
		_, err := checker.Query(context.Background(), &plugin.QueryRequest{InstanceId: "setrouter-is-anybody-there"})
		return err
	})
}
