//go:build !linux

package polaristest

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
