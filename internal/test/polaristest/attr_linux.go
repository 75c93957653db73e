package polaristest

import "syscall"

// DieWithParent has the system end a process when the test ends, also when the test
// is killed.
func DieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
