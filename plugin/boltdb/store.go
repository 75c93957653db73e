// Package boltdb stands in for the stock embedded store: the store "boltdbStore"
// of Polaris, with the same file and the same options.
//
// Each second the server's cache asks the store which instances were written
// lately. The stock store answers by the time in the instance's message, and is
// wrong twice: the message has the server's local time, which the store reads as
// UTC; and a deletion or a change of metadata leaves the message's time as it was.
// So where the local time is UTC, an instance that has left stays in all lists;
// west of UTC, an instance that has come is in none. Here the answer goes by the
// time of the row. Every write of the stock store sets that time, in nanoseconds
// since 1970, whatever the time zone. The file stays as the stock store writes it.
package boltdb

import (
	"fmt"
	"slices"
	"time"

	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/store"
	stock "github.com/polarismesh/polaris/store/boltdb"
)

func init() {
	store.StoreSlots[stock.STORENAME] = &Store{store.StoreSlots[stock.STORENAME]}
}

// Store is the stock store, apart from the two methods that go by the time at which
// an instance was written. Goroutines may share a Store.
type Store struct{ store.Store }

// GetMoreInstances returns the instances whose rows were written at or after since,
// by id; deleted ones, too. With first, GetMoreInstances returns all instances but
// the deleted ones, whenever they were written. Without serviceIDs the instances are
// those of all services. The metadata is always there.
func (s *Store) GetMoreInstances(tx store.Tx, since time.Time, first, _ bool, serviceIDs []string) (map[string]*model.Instance, error) {
	found := map[string]*model.Instance{}
	for id, row := range instanceRows(tx) {
		if first && !row.valid() || !first && row.written().Before(since) {
			continue
		}
		if len(serviceIDs) > 0 && !slices.Contains(serviceIDs, row.text(fieldServiceID)) {
			continue
		}
		instance, err := row.instance()
		if err != nil {
			return nil, fmt.Errorf("instance %q in the embedded store: %w", id, err)
		}
		if instance.ID() != "" { // the stock store, too, skips rows without a message
			found[string(id)] = instance
		}
	}
	return found, nil
}

// GetUnHealthyInstances returns the ids of at most limit instances that are
// unhealthy by their health check, and whose rows were last written before the
// timeout. Polaris's job DeleteUnHealthyInstance deletes them. The stock store
// returns those that were written since, by the time in the message.
func (s *Store) GetUnHealthyInstances(timeout time.Duration, limit uint32) ([]string, error) {
	tx, err := s.StartReadTx()
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	end := time.Now().Add(-timeout)
	var ids []string
	for id, row := range instanceRows(tx) {
		if len(ids) == int(limit) {
			break
		}
		if !row.valid() || !row.written().Before(end) {
			continue
		}
		instance, err := row.instance()
		if err != nil {
			return nil, fmt.Errorf("instance %q in the embedded store: %w", id, err)
		}
		if instance.EnableHealthCheck() && !instance.Healthy() {
			ids = append(ids, string(id))
		}
	}
	return ids, nil
}
