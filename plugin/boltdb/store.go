// Package boltdb stands in for the stock embedded store: the store "boltdbStore"
// of Polaris, with the same file and the same options.
//
// Each second the server's cache asks the store which instances were written since
// some seconds before. The stock store answers by the time in the instance's
// message, and is wrong twice. The message has the server's local time, which the
// store reads as UTC. And a deletion, or a change of metadata alone, leaves the
// message's time as it was. So where the local time is UTC, an instance that has
// left stays in all lists; in Shanghai, if it came 8 hours before. West of UTC, an
// instance that has come is in no list.
//
// Here the answer goes by the time of the row. Every write of the stock store sets
// that time, in nanoseconds since 1970, whatever the time zone. The stock store
// takes the time before it waits for the disk. So on a slow disk a row can come
// later than the cache looks back. Such a row is given, too: the row has another
// time than the row that was given last. The file stays as the stock store
// writes it.
package boltdb

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/store"
	stock "github.com/polarismesh/polaris/store/boltdb"
)

func init() {
	store.StoreSlots[stock.STORENAME] = &Store{Store: store.StoreSlots[stock.STORENAME]}
}

// Store is the stock store, apart from four methods about instances. Goroutines may
// share a Store.
type Store struct {
	store.Store

	mu    sync.Mutex
	given map[string]time.Time // by id, the time of the row that GetMoreInstances gave last
}

// GetMoreInstances returns the instances whose rows were written at or after since,
// or are not those that were given last; by id, and deleted instances, too. With
// first, GetMoreInstances returns all instances but the deleted ones. Without
// serviceIDs the instances are those of all services. The metadata is always there.
func (s *Store) GetMoreInstances(tx store.Tx, since time.Time, first, _ bool, serviceIDs []string) (map[string]*model.Instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, rows := map[string]*model.Instance{}, 0
	for id, row := range instanceRows(tx) {
		rows++
		if first && !row.valid() || !first && !s.isNews(id, row.written(), since) {
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
	s.remember(tx, found, rows)
	return found, nil
}

// GetInstance returns an instance, nil if there is none or it is deleted. The stock store
// decodes every row for each instance that is asked for.
func (s *Store) GetInstance(id string) (*model.Instance, error) {
	tx, err := s.StartReadTx()
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	table := instanceTable(tx)
	if table == nil || id == "" {
		return nil, nil
	}
	bucket := table.Bucket([]byte(id))
	if bucket == nil || !(row{bucket}).valid() {
		return nil, nil
	}
	instance, err := row{bucket}.instance()
	if err != nil {
		return nil, fmt.Errorf("instance %q in the embedded store: %w", id, err)
	}
	if instance.ID() != id { // the stock store, too, goes by the message
		return nil, nil
	}
	return instance, nil
}

// isNews reports whether a row was written at or after since, or is not the one
// that was given last.
func (s *Store) isNews(id []byte, written, since time.Time) bool {
	last, ok := s.given[string(id)]
	return !ok || !last.Equal(written) || !written.Before(since)
}

// remember takes found for given, and forgets ids without a row; rows is how many
// rows there are.
func (s *Store) remember(tx store.Tx, found map[string]*model.Instance, rows int) {
	if s.given == nil {
		s.given = map[string]time.Time{}
	}
	for id, instance := range found {
		s.given[id] = instance.ModifyTime
	}
	if len(s.given) > rows {
		table := instanceTable(tx)
		maps.DeleteFunc(s.given, func(id string, _ time.Time) bool { return table == nil || table.Bucket([]byte(id)) == nil })
	}
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

// CleanInstance removes the row of a deleted instance, and does nothing for any
// other instance, as on MySQL. The stock store removes every row. The cache never
// hears of that, and has the instance in its lists until the server restarts.
func (s *Store) CleanInstance(id string) error {
	live, err := s.GetInstance(id)
	if err != nil || live != nil {
		return err
	}
	return s.Store.CleanInstance(id)
}
