//go:build !linux

package polaristest

import "syscall"

// DieWithParent does nothing on systems that cannot.
func DieWithParent() *syscall.SysProcAttr { return nil }
