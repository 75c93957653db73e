package polaristest

import "syscall"

// DieWithParent ends the server with the test, also when that is killed.
func DieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
