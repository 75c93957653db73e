package polaristest

import "syscall"

// dieWithParent ends the server with the test, also when that is killed.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
