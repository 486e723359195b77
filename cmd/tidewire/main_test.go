package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/devserver"
	gcloud "github.com/tidewire/tidewire/internal/emulators"
)

// patient is how long a test waits for what has to come.
const patient = 2 * time.Minute

// google has the emulators that the tests of dev --backend gcp share.
var google gcloud.Shared

// asCommand tells the test's own binary to be tidewire, for what needs a process.
const asCommand = "TIDEWIRE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	// The SDK of Google Cloud starts it with the process and never ends it.
	goleak.VerifyTestMain(google.Main(m), goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// twoTenants is a file of tenants whose limits are in nobody's way.
const twoTenants = `{"tenants": {
	"acme":   {"auth": {"keys": [{"kid": "a", "alg": "HS256", "secret": "acme-acme-acme-acme-acme-acme-acme-acme"}]},
	           "limits": {"publishesPerSecond": 5000}},
	"globex": {"auth": {"keys": [{"kid": "g", "alg": "HS256", "secret": "globex-globex-globex-globex-globex-globex"}]}}}}`

// console is a folder of state, in which commands are called.
type console struct {
	t     *testing.T
	state string
	environment
	emulators devserver.Emulators
}

func newConsole(t *testing.T) *console {
	return &console{t: t, state: filepath.Join(t.TempDir(), "state")}
}

// file writes a file and returns its name.
func (c *console) file(content string) string {
	c.t.Helper()
	name := filepath.Join(c.t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return name
}

// call runs a command to its end.
func (c *console) call(in string, args ...string) (out, errors string, code int) {
	c.t.Helper()
	var o, e bytes.Buffer
	code = run(c.t.Context(), std{in: strings.NewReader(in), out: &o, err: &e, state: c.state, environment: c.environment, emulators: c.emulators}, args)
	return o.String(), e.String(), code
}

// token calls tidewire token.
func (c *console) token(tenant string, flags ...string) string {
	c.t.Helper()
	out, errors, code := c.call("", append([]string{"token", "--tenant", tenant, "--user", "ann"}, flags...)...)
	if code != 0 {
		c.t.Fatalf("token: %d, %s", code, errors)
	}
	return strings.TrimSpace(out)
}

// everything is a token's right to all channels.
func (c *console) everything(tenant string) string {
	c.t.Helper()
	return c.token(tenant, "--subscribe", "**", "--publish", "**", "--presence", "**")
}

// background is a command that goes on until it is stopped.
type background struct {
	t      *testing.T
	lines  chan string // of its output
	errors *shared
	cancel context.CancelFunc
	ended  chan int
	once   sync.Once
}

// start runs a command until the test ends, or stop.
func (c *console) start(args ...string) *background {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	b := &background{t: c.t, lines: make(chan string, 10_000), errors: &shared{}, cancel: cancel, ended: make(chan int, 1)}
	go func() {
		code := run(ctx, std{in: strings.NewReader(""), out: w, err: b.errors, state: c.state, environment: c.environment, emulators: c.emulators}, args)
		_ = w.Close()
		b.ended <- code
	}()
	go func() {
		defer close(b.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			b.lines <- s.Text()
		}
	}()
	c.t.Cleanup(func() { b.stop() })
	return b
}

// line returns the next line of output.
func (b *background) line() string {
	b.t.Helper()
	select {
	case line, ok := <-b.lines:
		if !ok {
			b.t.Fatalf("it has ended: %s", b.errors)
		}
		return line
	case <-time.After(patient):
		b.t.Fatalf("no line came: %s", b.errors)
	}
	return ""
}

// end waits until it ends by itself.
func (b *background) end() int {
	b.t.Helper()
	select {
	case code := <-b.ended:
		b.ended <- code
		return code
	case <-time.After(patient):
		b.t.Fatalf("it does not end: %s", b.errors)
	}
	return 0
}

// stop interrupts it. It has to end well.
func (b *background) stop() {
	b.once.Do(func() {
		b.t.Helper()
		b.cancel()
		if code := b.end(); code != 0 {
			b.t.Errorf("it ended with %d: %s", code, b.errors)
		}
	})
}

// shared is a buffer that may be read while it is written.
type shared struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// said is what dev --json says.
type said struct {
	URL     string   `json:"url"`
	Tenants []string `json:"tenants"`
	Token   string   `json:"token"`
	dev     *background
}

// dev starts a dev on a free port.
func (c *console) dev(flags ...string) said {
	c.t.Helper()
	b := c.start(append([]string{"dev", "--json", "--addr", "127.0.0.1:0"}, flags...)...)
	s := said{dev: b}
	dec := json.NewDecoder(strings.NewReader(b.line()))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// plain starts a dev of twoTenants without the demo.
func (c *console) plain() said {
	c.t.Helper()
	return c.dev("--demo=false", "--tenants", c.file(twoTenants))
}
