package emulators

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// kind is one of the two emulators.
type kind struct {
	name string
	jar  string // below the root of the SDK
	warm string // what is asked for once, since the first answer of a kind takes long
	heap string // what Java may have; empty is enough for a test
	args func(jar, host, port string) []string
}

func pubsub() kind {
	return kind{name: "Pub/Sub", jar: "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar", warm: "/", args: func(jar, host, port string) []string {
		return []string{"-jar", jar, "--host=" + host, "--port=" + port}
	}}
}

func firestore() kind {
	return kind{name: "Firestore", jar: "platform/cloud-firestore-emulator/cloud-firestore-emulator*.jar", warm: "/v1/projects/tw-test-warm/databases/(default)/documents/a/b", args: func(jar, host, port string) []string {
		return []string{
			"-Duser.language=en", "-cp", jar, "com.google.cloud.datastore.emulator.firestore.CloudFirestore",
			"--host", host, "--port", port,
		}
	}}
}

const (
	startTime = time.Minute     // an emulator that does not answer by then never will
	stopTime  = 5 * time.Second // between the signal that asks and the one that does not
)

// Process is a running emulator. It keeps its address when it is started again. It is not safe for
// concurrent use, but for Addr and Output.
type Process struct {
	kind kind
	addr string
	cmd  *exec.Cmd
	out  *tail
	done chan struct{} // closed when it has ended
}

// StartPubSub starts the emulator of Pub/Sub on a free port and waits until it answers.
func StartPubSub(ctx context.Context) (*Process, error) { return start(ctx, pubsub(), "") }

// StartFirestore starts the emulator of Firestore on a free port and waits until it answers.
func StartFirestore(ctx context.Context) (*Process, error) { return start(ctx, firestore(), "") }

// StartPubSubAt is StartPubSub on an address, for hours rather than for a test: the emulator keeps messages in
// memory, some 2 kB for each of a few hundred bytes, and with a heap that is full it answers nobody and does not end.
func StartPubSubAt(ctx context.Context, addr string) (*Process, error) {
	k := pubsub()
	k.heap = "2g"
	return start(ctx, k, addr)
}

// StartFirestoreAt is StartFirestore on an address.
func StartFirestoreAt(ctx context.Context, addr string) (*Process, error) {
	return start(ctx, firestore(), addr)
}

// start starts an emulator. A free port may be taken by somebody else before the emulator opens
// it, so there are some attempts.
func start(ctx context.Context, k kind, addr string) (p *Process, err error) {
	attempts := 1
	if addr == "" {
		addr, attempts = "127.0.0.1:0", 3
	}
	for range attempts {
		p = &Process{kind: k}
		if p.addr, err = free(ctx, addr); err == nil {
			err = p.run(ctx)
		}
		if err == nil {
			return p, nil
		}
		if errors.Is(err, ErrMissing) || ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("the %s emulator: %w", k.name, err)
}

// free returns the address with its port, which nobody listens on: the emulator that does would be taken
// for the one that is started.
func free(ctx context.Context, addr string) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// run starts the process and waits until it answers.
func (p *Process) run(ctx context.Context) error {
	java, jar, err := find(p.kind.jar)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return err
	}
	p.out, p.done = &tail{}, make(chan struct{})
	// Little compilation and a small heap: a test is short, and there may be many at once.
	args := append([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx" + cmp.Or(p.kind.heap, "512m")}, p.kind.args(jar, host, port)...)
	p.cmd = exec.Command(java, args...) //nolint:gosec,noctx // found above; it ends by Stop, not with ctx
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = p.out, p.out, attributes()
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.cmd.Wait() // a signal ends it, which is an error to Wait
		close(p.done)
	}()
	if err := p.ready(ctx); err != nil {
		p.Kill()
		return fmt.Errorf("at %s: %w\n%s", p.addr, err, p.Output())
	}
	return nil
}

// ready waits until the emulator answers.
func (p *Process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	for {
		if status := ask(ctx, client, "http://"+p.addr+"/"); status == http.StatusOK {
			ask(ctx, client, "http://"+p.addr+p.kind.warm)
			return nil
		}
		select {
		case <-p.done:
			return errors.New("it ended before it answered")
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ask returns the status of an answer, and 0 if there is none.
func ask(ctx context.Context, client *http.Client, url string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	request.Header.Set("Authorization", "Bearer owner") // what the emulator of Firestore lets pass
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close() // it was not read
	return response.StatusCode
}

// Addr is host:port.
func (p *Process) Addr() string { return p.addr }

// Output is the end of what the emulator has written.
func (p *Process) Output() string { return p.out.String() }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop asks the emulator to end, waits, and ends it if it does not. It may be called twice.
func (p *Process) Stop() error {
	p.signal(cont) // a paused process hears nothing else
	p.signal(term)
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTime):
		p.Kill()
		return fmt.Errorf("the %s emulator did not end within %v of being asked\n%s", p.kind.name, stopTime, p.Output())
	}
}

// Kill ends the emulator at once. What it held is gone. It may be called twice.
func (p *Process) Kill() {
	p.signal(kill)
	<-p.done
}

// Pause stops the process without ending it: connections stay open, and nothing answers once it has returned.
func (p *Process) Pause() {
	p.signal(stop)
	for !stopped(p.cmd.Process.Pid) {
		select {
		case <-p.done:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// Resume goes on after Pause.
func (p *Process) Resume() { p.signal(cont) }

// Restart starts an emulator that has ended again, empty, on the same address.
func (p *Process) Restart(ctx context.Context) error {
	p.Kill()
	if err := p.run(ctx); err != nil {
		return fmt.Errorf("the %s emulator: %w", p.kind.name, err)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex // guards text
	text []byte
}

const tailBytes = 16 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = t.text[over:]
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
