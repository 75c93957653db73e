package boltdb

import (
	"encoding/binary"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/store"
	stock "github.com/polarismesh/polaris/store/boltdb"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	bolt "go.etcd.io/bbolt"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"
)

// writes are all that the server does to a store's instances, apart from removing
// rows. mtime is what the message has, where it can have a time of its own.
var writes = map[string]func(s *Store, id, mtime string) error{
	"AddInstance": func(s *Store, id, mtime string) error { return s.AddInstance(newInstance(id, "a", mtime)) },
	"BatchAddInstances": func(s *Store, id, mtime string) error {
		return s.BatchAddInstances([]*model.Instance{newInstance(id, "b", mtime)})
	},
	"UpdateInstance":          func(s *Store, id, _ string) error { return s.UpdateInstance(newInstance(id, "a", "")) },
	"DeleteInstance":          func(s *Store, id, _ string) error { return s.DeleteInstance(id) },
	"BatchDeleteInstances":    func(s *Store, id, _ string) error { return s.BatchDeleteInstances([]any{id}) },
	"SetInstanceHealthStatus": func(s *Store, id, _ string) error { return s.SetInstanceHealthStatus(id, 0, "2") },
	"BatchSetInstanceHealthStatus": func(s *Store, id, _ string) error {
		return s.BatchSetInstanceHealthStatus([]any{id}, 1, "3")
	},
	"BatchSetInstanceIsolate": func(s *Store, id, _ string) error { return s.BatchSetInstanceIsolate([]any{id}, 1, "4") },
	"BatchAppendInstanceMetadata": func(s *Store, id, _ string) error {
		return s.BatchAppendInstanceMetadata([]*store.InstanceMetadataRequest{{InstanceID: id, Revision: "5", Metadata: map[string]string{"a": "b"}}})
	},
	"BatchRemoveInstanceMetadata": func(s *Store, id, _ string) error {
		return s.BatchRemoveInstanceMetadata([]*store.InstanceMetadataRequest{{InstanceID: id, Revision: "6", Keys: []string{"a"}}})
	},
}

// ids are few, so that instances are written again, deleted and made again.
var ids = []string{"i1", "i2", "i3"}

// mtimes are times in messages: local times of any zone and of its summer, far
// off, or none, for which the stock store writes the local time.
var mtimes = rapid.Custom(func(t *rapid.T) string {
	if rapid.Bool().Draw(t, "by the store") {
		return ""
	}
	off := rapid.SampledFrom([]time.Duration{-24 * 365, -12, -5, -4, 0, 1, 8, 14, 24 * 365}).Draw(t, "hours")
	return time.Now().UTC().Add(off * time.Hour).Format("2006-01-02 15:04:05")
})

// Each write, and nothing else, is found by whoever asks for what was written since
// before it, whatever times the messages have. An instance that is found is as the
// stock store reads it.
func TestGetMoreInstances(t *testing.T) {
	s := open(t)
	rapid.Check(t, func(t *rapid.T) {
		for _, id := range ids {
			must(t, s.Store.CleanInstance(id))
		}
		for range 8 {
			before, start := allOfStock(t, s), time.Now()
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(writes))).Draw(t, "write")
			must(t, writes[name](s, rapid.SampledFrom(ids).Draw(t, "id"), mtimes.Draw(t, "mtime")))
			after := allOfStock(t, s)

			same(t, name, more(t, s, start, false), keep(after, func(i *model.Instance) bool {
				old, ok := before[i.ID()]
				return !ok || !reflect.DeepEqual(fields(old), fields(i))
			}))
			same(t, "all", more(t, s, time.Unix(1, 0), false), after)
			same(t, "first", more(t, s, start.Add(time.Hour), true), keep(after, func(i *model.Instance) bool { return i.Valid }))
			same(t, "of a service", more(t, s, time.Unix(1, 0), false, "a", "c"), keep(after, func(i *model.Instance) bool { return i.ServiceID == "a" }))
		}
	})
}

// A row that the disk held up comes later than its time says, and is found once. What
// is in the window is found again, as the cache wants it.
func TestLateRows(t *testing.T) {
	s := open(t)
	for _, id := range ids {
		must(t, s.AddInstance(newInstance(id, "a", "")))
		age(t, s, id, time.Hour)
	}
	same(t, "first", more(t, s, time.Unix(1, 0), true), allOfStock(t, s))
	window := func() time.Time { return time.Now().Add(-5 * time.Second) }
	same(t, "nothing new", more(t, s, window(), false), nil)
	must(t, s.DeleteInstance("i1"))
	age(t, s, "i1", time.Minute)
	late := keep(allOfStock(t, s), func(i *model.Instance) bool { return !i.Valid })
	same(t, "late", more(t, s, window(), false), late)
	same(t, "once", more(t, s, window(), false), nil)
	must(t, s.DeleteInstance("i2"))
	for range 2 {
		same(t, "in time", more(t, s, window(), false), keep(allOfStock(t, s), func(i *model.Instance) bool { return i.ID() == "i2" }))
	}
}

// What is remembered of instances goes with their rows.
func TestForgets(t *testing.T) {
	s := open(t)
	for _, id := range ids {
		must(t, s.AddInstance(newInstance(id, "a", "")))
	}
	more(t, s, time.Unix(1, 0), true)
	must(t, s.DeleteInstance("i2"))
	must(t, s.CleanInstance("i2"))
	more(t, s, time.Now(), false)
	if diff := cmp.Diff([]string{"i1", "i3"}, slices.Sorted(maps.Keys(s.given))); diff != "" {
		t.Error(diff)
	}
}

// Only deleted instances are cleaned away.
func TestCleanInstance(t *testing.T) {
	s := open(t)
	must(t, s.AddInstance(newInstance("i1", "a", "")))
	for _, want := range []int{1, 0} {
		must(t, s.CleanInstance("i1"))
		if got := len(allOfStock(t, s)); got != want {
			t.Errorf("%d rows, want %d", got, want)
		}
		must(t, s.DeleteInstance("i1"))
	}
}

// A field that Polaris adds to instances is to be read, too.
func TestInstancesHaveTheseFields(t *testing.T) {
	var got []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[model.Instance]()) {
		got = append(got, f.Name)
	}
	if diff := cmp.Diff([]string{"Proto", "ServiceID", "ServicePlatformID", "Valid", "ModifyTime"}, got); diff != "" {
		t.Error(diff)
	}
}

// GetInstance returns what the stock store returns.
func TestGetInstance(t *testing.T) {
	s := open(t)
	for n := range 20 {
		must(t, s.AddInstance(newInstance(fmt.Sprint("i", n), "a", "")))
	}
	must(t, s.DeleteInstance("i3"))
	for _, id := range []string{"i0", "i3", "i19", "i20", ""} {
		want, err := s.Store.GetInstance(id)
		must(t, err)
		got, err := s.GetInstance(id)
		must(t, err)
		if (got == nil) != (want == nil) || got != nil && (got.ID() != want.ID() || got.ServiceID != want.ServiceID || got.Host() != want.Host() || got.Revision() != want.Revision() || len(got.Metadata()) != len(want.Metadata())) {
			t.Errorf("%q: %+v, want %+v", id, got, want)
		}
	}
}

func TestGetUnHealthyInstances(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		id  string
		age time.Duration
		set func(i *apiservice.Instance)
	}{
		{"old", 2 * time.Hour, nil},
		{"old, too", 2 * time.Hour, nil},
		{"new", 0, nil},
		{"healthy", 2 * time.Hour, func(i *apiservice.Instance) { i.Healthy.Value = true }},
		{"without check", 2 * time.Hour, func(i *apiservice.Instance) { i.EnableHealthCheck.Value = false }},
		{"deleted", 2 * time.Hour, nil},
	} {
		i := newInstance(c.id, "a", "")
		i.Proto.Healthy.Value = false
		if c.set != nil {
			c.set(i.Proto)
		}
		must(t, s.AddInstance(i))
		if c.id == "deleted" {
			must(t, s.DeleteInstance(c.id))
		}
		age(t, s, c.id, c.age)
	}
	for limit, want := range [][]string{nil, {"old"}, {"old", "old, too"}, {"old", "old, too"}} {
		got, err := s.GetUnHealthyInstances(time.Hour, uint32(limit))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("at most %d: %v, %s", limit, err, diff)
		}
	}
}

// A row that cannot be read is named. A row without a message is no instance, as in
// the stock store.
func TestUnreadableRows(t *testing.T) {
	s := open(t)
	must(t, s.AddInstance(newInstance("i1", "a", "")))
	put(t, s, "i1", fieldMessage, []byte{kindMessage, 0xff})
	want := `instance "i1" in the embedded store: its message: `
	inTx(t, s, func(tx store.Tx) {
		_, err := s.GetMoreInstances(tx, time.Unix(1, 0), true, true, nil)
		if err == nil || err.Error()[:min(len(err.Error()), len(want))] != want {
			t.Errorf("error %v, want %s...", err, want)
		}
	})
	put(t, s, "i1", fieldMessage, nil)
	put(t, s, "i1", fieldWritten, []byte{kindBool, 1})
	same(t, "no message", more(t, s, time.Unix(1, 0), true), nil)
}

// open opens the store of this process on a new file. A process has one such store.
func open(t testing.TB) *Store {
	t.Helper()
	s, ok := store.StoreSlots[stock.STORENAME].(*Store)
	if !ok {
		t.Fatalf("the store %s is a %T", stock.STORENAME, store.StoreSlots[stock.STORENAME])
	}
	must(t, s.Initialize(&store.Config{Name: stock.STORENAME, Option: map[string]any{"path": filepath.Join(t.TempDir(), "polaris.bolt")}}))
	t.Cleanup(func() { must(t, s.Destroy()) })
	database(t, s).NoSync = true // no test needs the file after a power cut
	return s
}

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatal(...any)
	Errorf(string, ...any)
}

func must(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inTx does something in a transaction as the server's cache makes one.
func inTx(t tester, s *Store, do func(store.Tx)) {
	t.Helper()
	tx, err := s.StartReadTx()
	must(t, err)
	defer tx.Rollback()
	do(tx)
}

func database(t tester, s *Store) (db *bolt.DB) {
	t.Helper()
	inTx(t, s, func(tx store.Tx) { db = tx.GetDelegateTx().(*bolt.Tx).DB() })
	return db
}

// put writes a field of a row; nil removes the field.
func put(t tester, s *Store, id, field string, value []byte) {
	t.Helper()
	must(t, database(t, s).Update(func(tx *bolt.Tx) error {
		row := tx.Bucket([]byte(tableInstances)).Bucket([]byte(id))
		if value == nil {
			return row.Delete([]byte(field))
		}
		return row.Put([]byte(field), value)
	}))
}

// age has a row written so long ago.
func age(t tester, s *Store, id string, ago time.Duration) {
	t.Helper()
	put(t, s, id, fieldWritten, binary.LittleEndian.AppendUint64([]byte{kindTime}, uint64(time.Now().Add(-ago).UnixNano())))
}

// newInstance returns an instance as the server makes them, with every field of a
// row. The stock store fills in an empty mtime.
func newInstance(id, service, mtime string) *model.Instance {
	message := &apiservice.Instance{
		Id: wrapperspb.String(id), Host: wrapperspb.String("10.0.0.1"), Port: wrapperspb.UInt32(80), Weight: wrapperspb.UInt32(100),
		Healthy: wrapperspb.Bool(true), Isolate: wrapperspb.Bool(false), Revision: wrapperspb.String("1"),
		EnableHealthCheck: wrapperspb.Bool(true), Metadata: map[string]string{"internal-set-name": "qb.novel.h"},
	}
	if mtime != "" {
		message.Mtime = wrapperspb.String(mtime)
	}
	return &model.Instance{Proto: message, ServiceID: service, ServicePlatformID: "platform of " + service}
}

func more(t tester, s *Store, since time.Time, first bool, services ...string) (found map[string]*model.Instance) {
	t.Helper()
	inTx(t, s, func(tx store.Tx) {
		var err error
		found, err = s.GetMoreInstances(tx, since, first, true, services)
		must(t, err)
	})
	return found
}

// allOfStock returns all instances as the stock store reads them, deleted ones, too.
func allOfStock(t tester, s *Store) (found map[string]*model.Instance) {
	t.Helper()
	inTx(t, s, func(tx store.Tx) {
		var err error
		found, err = s.Store.GetMoreInstances(tx, time.Time{}, false, true, nil)
		must(t, err)
	})
	return found
}

func keep(all map[string]*model.Instance, wanted func(*model.Instance) bool) map[string]*model.Instance {
	kept := maps.Clone(all)
	maps.DeleteFunc(kept, func(_ string, i *model.Instance) bool { return !wanted(i) })
	return kept
}

// fields returns all that an instance holds, for comparisons.
func fields(i *model.Instance) []string {
	return []string{i.Proto.String(), i.ServiceID, i.ServicePlatformID, fmt.Sprint(i.Valid), i.ModifyTime.Format(time.RFC3339Nano)}
}

func same(t tester, what string, got, want map[string]*model.Instance) {
	t.Helper()
	all := func(m map[string]*model.Instance) map[string][]string {
		out := map[string][]string{}
		for id, i := range m {
			out[id] = fields(i)
		}
		return out
	}
	if diff := cmp.Diff(all(want), all(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
