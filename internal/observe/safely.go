package observe

import (
	"fmt"
	"runtime/debug"
)

// Safely runs a step of a goroutine. A panic in the step ends the step and goes to the
// log; it does not end the server.
func Safely(step string, f func()) {
	defer func() {
		if p := recover(); p != nil {
			Log.Error(fmt.Sprintf("[SetRouter] panic in %s: %v\n%s", step, p, debug.Stack()))
		}
	}()
	f()
}

// Recovered turns a panic into an error. The function that returns err defers it.
func Recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
