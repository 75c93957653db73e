//go:build !linux

package polaristest

import "syscall"

// DieWithParent does nothing: this system cannot end a process with its parent.
func DieWithParent() *syscall.SysProcAttr { return nil }
