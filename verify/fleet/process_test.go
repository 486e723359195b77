package fleet

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tidewire/tidewire/internal/freeport"
)

// process is a service or a function as the platform runs it: a binary, a port and an environment.
type process struct {
	t      *testing.T
	name   string
	addr   string
	cmd    *exec.Cmd
	log    logbook
	ended  chan struct{} // closed when it has
	result error         // of Wait, once it has ended
	begun  time.Time
	ready  time.Duration // from exec to the first answer

	mu      sync.Mutex // guards what follows
	figures figures    // the last that were read
}

// launch starts a binary and waits until it answers path with less than 500. {addr} in an argument is
// where it is to listen.
func launch(t *testing.T, name, binary, path string, env map[string]string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, addr: freeport.Addr(t), ended: make(chan struct{}), begun: time.Now()}
	_, port, _ := net.SplitHostPort(p.addr) // it is one
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{addr}", p.addr)
	}
	p.cmd = exec.Command(binary, args...)
	p.cmd.Env = []string{"PORT=" + port, "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	for k, v := range env {
		p.cmd.Env = append(p.cmd.Env, k+"="+v)
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.result = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		if t.Failed() && !testing.Short() {
			t.Logf("the last lines of %s:\n%s", name, p.log.tail(15))
		}
		p.kill()
	})
	await(t, name+" answers", func() bool {
		select {
		case <-p.ended:
			t.Fatalf("%s ended: %v\n%s", name, p.result, p.log.tail(30))
		default:
		}
		status, _, err := p.get(path)
		return err == nil && status < 500
	})
	p.ready = time.Since(p.begun)
	return p
}

func (p *process) get(path string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+path, nil)
	if err != nil {
		return 0, nil, err
	}
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// kill ends it at once. It may have ended before.
func (p *process) kill() {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
	<-p.ended
}

// terminate asks it to end, as the platform does, which gives it ten seconds. It returns how long it took.
func (p *process) terminate() time.Duration {
	p.t.Helper()
	begun := time.Now()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.t.Errorf("%s has not ended ten seconds after SIGTERM", p.name)
		p.kill()
	}
	if p.result != nil {
		p.t.Errorf("%s: %v\n%s", p.name, p.result, p.log.tail(20))
	}
	return time.Since(begun)
}

// read reads its metrics. Those of a process that has ended are the last that were read.
func (p *process) read() figures {
	status, body, err := p.get("/metrics")
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && status == http.StatusOK {
		p.figures = parseFigures(body)
	}
	return p.figures
}

// figures are what /metrics says, by name and labels.
type figures map[string]float64

func parseFigures(text []byte) figures {
	all := figures{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if at < 0 || lines.Text()[0] == '#' {
			continue
		}
		if n, err := strconv.ParseFloat(lines.Text()[at+1:], 64); err == nil {
			all[lines.Text()[:at]] = n
		}
	}
	return all
}

// reasons adds a metric up by its reason.
func (f figures) reasons(name string) map[string]float64 {
	all := map[string]float64{}
	for k, v := range f {
		if rest, ok := strings.CutPrefix(k, name+"{"); ok {
			_, reason, _ := strings.Cut(rest, `reason="`)
			reason, _, _ = strings.Cut(reason, `"`)
			all[reason] += v
		}
	}
	return all
}

// logbook keeps what a process writes.
type logbook struct {
	mu   sync.Mutex
	text []byte
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

// tail returns the last lines.
func (l *logbook) tail(n int) string {
	lines := l.lines("")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// lines returns those that contain a text.
func (l *logbook) lines(containing string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(string(l.text)) {
		if strings.Contains(line, containing) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
