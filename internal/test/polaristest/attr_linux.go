package polaristest

import "syscall"

// DieWithParent has the system end a process when the test ends, also when the test
// is killed. The process does not get the signals that a terminal sends to the test, such
// as Ctrl-C: who started the process ends it.
func DieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
