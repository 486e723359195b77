package newcomer

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// root is the top of the repository.
var root = filepath.Join("..", "..")

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// patience is how long a command may take, which may have to compile, on a machine that is busy.
const patience = 3 * time.Minute

// desk is where a newcomer sits: an empty home folder, and ports that nobody else has.
type desk struct {
	t    *testing.T
	env  []string
	into []string // the command that runs another one where those ports are
}

// sitDown makes a desk. The pages name ports; where the system lets us, they are those of a network of our own.
func sitDown(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, env: []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "TERM=dumb"}}
	// What Go has downloaded and built is not a newcomer's, but to do it again would take minutes.
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOSUMDB", "GONOSUMDB", "GOTOOLCHAIN"} {
		value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		d.env = append(d.env, name+"="+strings.TrimSpace(string(value)))
	}
	holder := d.start("", "unshare", "-rn", "bash", "-c", "ip link set lo up && echo ready && exec sleep 1h")
	if holder.waitFor("ready", 10*time.Second) == nil {
		d.into = []string{"nsenter", "--preserve-credentials", "-U", "-n", "-t", fmt.Sprint(holder.cmd.Process.Pid)}
		return d
	}
	for _, port := range []string{"8080", "8081", "8082", "8083", "8084"} {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:"+port)
		if err != nil {
			untested := t.Skipf
			if os.Getenv("CI") == "true" {
				untested = t.Fatalf
			}
			untested("NOT TESTED: the pages name port %s, which another program has, and no network of our own can be had: %s", port, holder.output())
		}
		_ = l.Close()
	}
	return d
}

// command is one that runs in a terminal.
type command struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // after done

	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (c *command) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(b)
}

func (c *command) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// start runs a command in a folder of the repository until it ends, or the test does.
func (d *desk) start(folder string, name string, args ...string) *command {
	d.t.Helper()
	all := append(append([]string{}, d.into...), append([]string{name}, args...)...)
	c := &command{cmd: exec.CommandContext(context.Background(), all[0], all[1:]...), done: make(chan struct{})}
	c.cmd.Dir, c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = folder, d.env, c, c
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.WaitDelay = 10 * time.Second
	if err := c.cmd.Start(); err != nil {
		c.err = err
		close(c.done)
		return c
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	d.t.Cleanup(func() {
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGTERM) // with all that it has started
		select {
		case <-c.done:
		case <-time.After(20 * time.Second):
			_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
			<-c.done
		}
	})
	return c
}

// bash runs lines as if they were pasted; the first that fails ends it.
func (d *desk) bash(folder, lines string) *command {
	d.t.Helper()
	return d.start(folder, "bash", "-c", "set -eo pipefail\n"+lines)
}

// waitFor waits until a command has said something.
func (c *command) waitFor(sign string, within time.Duration) error {
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		ended := false
		select {
		case <-c.done:
			ended = true
		default:
		}
		switch {
		case strings.Contains(c.output(), sign):
			return nil
		case ended:
			return fmt.Errorf("it ended (%w) and did not say %q but:\n%s", c.err, sign, c.output())
		case time.Now().After(end):
			return fmt.Errorf("in %v it did not say %q but:\n%s", within, sign, c.output())
		}
	}
}

// wait waits for the end of a command, which has to be good.
func (c *command) wait(within time.Duration) error {
	select {
	case <-c.done:
	case <-time.After(within):
		return fmt.Errorf("it did not end in %v, and said:\n%s", within, c.output())
	}
	if c.err != nil {
		return fmt.Errorf("%w, and it said:\n%s", c.err, c.output())
	}
	return nil
}

// blocks are the pieces of a page that are for a terminal.
func blocks(page string) []string {
	var all []string
	var block *strings.Builder
	indent := ""
	for line := range strings.Lines(page) {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "```sh"):
			block = &strings.Builder{}
			indent = line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		case strings.HasPrefix(trimmed, "```") && block != nil:
			all = append(all, block.String())
			block = nil
		case block != nil:
			block.WriteString(strings.TrimPrefix(line, indent))
		}
	}
	return all
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	name, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return name
}
