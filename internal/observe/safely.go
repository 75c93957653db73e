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

// Recovered turns a panic into an error: it is deferred by the function that
// returns err.
func Recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
