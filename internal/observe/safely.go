package observe

import (
	"fmt"
	"runtime/debug"
)

// Safely runs a step of a goroutine that nobody else guards: a bug in it costs
// the step, and a line in the log, never the server.
func Safely(step string, f func()) {
	defer func() {
		if p := recover(); p != nil {
			Log.Error(fmt.Sprintf("[SetRouter] panic in %s: %v\n%s", step, p, debug.Stack()))
		}
	}()
	f()
}
