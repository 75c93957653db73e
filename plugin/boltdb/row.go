package boltdb

import (
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"github.com/golang/protobuf/proto"
	"github.com/polarismesh/polaris/common/model"
	"github.com/polarismesh/polaris/store"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	bolt "go.etcd.io/bbolt"
)

// The stock store's format of an instance (store/boltdb/codec.go in v1.18.1): a
// bucket with a key for each field of model.Instance, in lower case. The first byte
// of a value is the kind of what follows.
const (
	tableInstances = "instance"

	fieldMessage    = "proto"
	fieldServiceID  = "serviceid"
	fieldPlatformID = "serviceplatformid"
	fieldValid      = "valid"
	fieldWritten    = "modifytime"

	kindText    = 1
	kindBool    = 2
	kindTime    = 3 // nanoseconds since 1970, little-endian
	kindMessage = 4
)

// row is an instance as the stock store keeps it. A row is good until its
// transaction ends.
type row struct{ *bolt.Bucket }

// instanceTable returns the table of instances; nil if none was ever registered.
func instanceTable(tx store.Tx) *bolt.Bucket {
	return tx.GetDelegateTx().(*bolt.Tx).Bucket([]byte(tableInstances))
}

// instanceRows returns the rows of all instances by id, in the order of the ids.
// The ids are good until the transaction ends.
func instanceRows(tx store.Tx) iter.Seq2[[]byte, row] {
	return func(yield func([]byte, row) bool) {
		table := instanceTable(tx)
		if table == nil {
			return
		}
		cursor := table.Cursor()
		for id, _ := cursor.First(); id != nil; id, _ = cursor.Next() {
			if bucket := table.Bucket(id); bucket != nil && !yield(id, row{bucket}) {
				return
			}
		}
	}
}

// value returns what a field holds, and nil if the row has no such field of that
// kind.
func (r row) value(field string, kind byte) []byte {
	value := r.Get([]byte(field))
	if len(value) == 0 || value[0] != kind {
		return nil
	}
	return value[1:]
}

func (r row) text(field string) string { return string(r.value(field, kindText)) }

// valid reports whether the instance is there: a deleted one keeps its row for a
// while.
func (r row) valid() bool {
	value := r.value(fieldValid, kindBool)
	return len(value) == 1 && value[0] > 0
}

// written returns when the row was written; 1970 if the row does not say so.
func (r row) written() time.Time {
	value := r.value(fieldWritten, kindTime)
	if len(value) != 8 {
		return time.Unix(0, 0)
	}
	return time.Unix(0, int64(binary.LittleEndian.Uint64(value)))
}

// instance returns the whole instance, without an id if the row has no message. The
// instance stays good when the transaction has ended.
func (r row) instance() (*model.Instance, error) {
	message := &apiservice.Instance{}
	if err := proto.Unmarshal(r.value(fieldMessage, kindMessage), message); err != nil {
		return nil, fmt.Errorf("its message: %w", err)
	}
	return &model.Instance{
		Proto:             message,
		ServiceID:         r.text(fieldServiceID),
		ServicePlatformID: r.text(fieldPlatformID),
		Valid:             r.valid(),
		ModifyTime:        r.written(),
	}, nil
}
