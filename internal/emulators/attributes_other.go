//go:build unix && !linux

package emulators

import "syscall"

// attributes put the emulator into a process group of its own, where an interrupt from the
// terminal does not reach it. Only Linux can also let it end with the process that started it.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
