package emulators

import "syscall"

// attributes put the emulator into a process group of its own, where an interrupt from the
// terminal does not reach it, and let it end with the process that started it, however that ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
