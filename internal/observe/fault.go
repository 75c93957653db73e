package observe

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// faultLines says which faults are logged: clients could fill a disk by faults. Failures
// counts all.
var faultLines = &rate.Sometimes{First: 10, Interval: time.Second}

// faultsNotLogged counts the faults since the last one that was logged.
var faultsNotLogged atomic.Uint64

// Fault counts a fault in answering a request, and logs it with the number of faults
// before it that were not logged: the first ten, and then one in a second.
func Fault(text string, fields ...zap.Field) {
	Failures.Inc()
	faultsNotLogged.Add(1)
	faultLines.Do(func() {
		notLogged := faultsNotLogged.Swap(0) - 1 // without this one
		Log.Error("[SetRouter] "+text, append(fields, zap.Uint64("notLogged", notLogged))...)
	})
}
