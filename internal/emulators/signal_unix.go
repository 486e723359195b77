//go:build unix

package emulators

import "syscall"

const (
	cont = syscall.SIGCONT
	stop = syscall.SIGSTOP
	term = syscall.SIGTERM
	kill = syscall.SIGKILL
)

// signal reaches every process of the emulator's group, and none once it has ended.
func (p *Process) signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, s) // it may be ending just now
	}
}
