package cloudruntest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asService tells a test's own binary to be the service that it tests.
const asService = "TIDEWIRE_TEST_AS_SERVICE"

// Main is the TestMain of a service: it runs the tests, after which no goroutine may be left, and in a process
// that Start started the service itself.
func Main(m goleak.TestingM, service func()) {
	if os.Getenv(asService) != "" {
		service()
	}
	// The SDK of Google Cloud starts it with the process and never ends it.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// Process is a service that runs as a process of its own.
type Process struct {
	URL string // where it listens; empty if it ended before that

	t     testing.TB
	cmd   *exec.Cmd
	ended chan error

	mu    sync.Mutex // guards lines
	lines []map[string]any
}

// Start starts the service of this test binary with an environment of the variables (NAME=value) alone, on a
// free port, and returns when it listens or has ended. It is killed when the test ends.
func Start(t testing.TB, variables ...string) *Process {
	t.Helper()
	return StartBinary(t, os.Args[0], append([]string{asService + "=1"}, variables...)...)
}

// StartBinary is Start of a service that was built.
func StartBinary(t testing.TB, path string, variables ...string) *Process {
	t.Helper()
	p := &Process{t: t, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	p.cmd = exec.CommandContext(ctx, path) //nolint:gosec // the test's own, or what it built
	p.cmd.Env = append([]string{"PORT=0"}, variables...)
	var errors bytes.Buffer
	p.cmd.Stderr = &errors
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			p.read(s.Bytes(), listening)
		}
		close(listening)
		err := p.cmd.Wait()
		if errors.Len() > 0 {
			err = fmt.Errorf("%w, with on its error output: %s", err, &errors)
		}
		p.ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		_ = p.wait() // a test that minds has waited
	})
	select {
	case addr := <-listening:
		if addr != "" {
			_, port, _ := net.SplitHostPort(addr)
			p.URL = "http://127.0.0.1:" + port
		}
	case <-time.After(patience):
		t.Fatal("the service does not listen")
	}
	return p
}

// read takes in a line of its log.
func (p *Process) read(text []byte, listening chan<- string) {
	line := map[string]any{}
	if err := json.Unmarshal(text, &line); err != nil {
		line["message"] = "no JSON: " + string(text)
	}
	p.mu.Lock()
	p.lines = append(p.lines, line)
	p.mu.Unlock()
	if addr, ok := line["address"].(string); ok && line["message"] == "listening" {
		listening <- addr
	}
}

// Log returns what it has logged, one line each.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for _, line := range p.lines {
		text, err := json.Marshal(line)
		if err != nil {
			p.t.Error(err)
		}
		b.Write(append(text, '\n'))
	}
	return b.String()
}

// Lines returns the lines it has logged.
func (p *Process) Lines() []map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]map[string]any(nil), p.lines...)
}

// Terminate sends SIGTERM.
func (p *Process) Terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
}

// Wait returns when it has ended, with why if that was not well.
func (p *Process) Wait() error {
	p.t.Helper()
	return p.wait()
}

func (p *Process) wait() error {
	select {
	case err := <-p.ended:
		p.ended <- err
		return err
	case <-time.After(patience):
		return fmt.Errorf("the service does not end after %s", patience)
	}
}
