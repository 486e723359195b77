package emulators

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// stopped reports whether every thread of a process is stopped, or the process is gone. A signal only asks for it: on a busy machine a
// thread that runs goes on until the scheduler looks at it, and may answer a request meanwhile.
func stopped(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return true
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread) //nolint:gosec // of a process that we have started
		if err != nil {
			continue // the thread has ended
		}
		// proc(5): pid (name) state ...; the name may hold anything.
		if _, state, found := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" ")); found && len(state) > 0 && state[0] != 'T' && state[0] != 'Z' {
			return false
		}
	}
	return true
}
