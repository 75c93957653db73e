package kubernetes

import (
	"testing"

	"go.uber.org/goleak"
)

// The timer of Polaris runs from its init on.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }
