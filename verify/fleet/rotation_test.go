package fleet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Clients live through ten moves while 200 messages a second come: none lost, none twice, no moment
// without a socket. One of them is the browser's client, in Node.
func TestRotation(t *testing.T) {
	const moves, readers = 10, 4
	f := startFleet(t, 0, tenant("acme"))
	for range 2 {
		f.addGateway(map[string]string{"TIDEWIRE_LIFETIME": "1s"})
	}
	ch := channel(t, "acme", "ticks:a")
	var clients []*client
	for i := range readers {
		clients = append(clients, newClient(fmt.Sprintf("c%d", i), "acme", f.socketURL(), f.token("acme", "reader"), f.book, ch))
	}
	token := f.token("acme", "producer")
	p := newProducer("http://"+f.ingest.addr, func(string) string { return token }, f.book, 20*time.Millisecond, 7, ch)
	traffic := f.begin(clients, []*producer{p})
	page := f.startPage(ch.Name())
	traffic.reach("the start")
	f.book.setCalm(true)
	begun, first := time.Now(), p.sent[ch].Load()
	await(t, "everybody moves ten times", func() bool { return f.book.counted("moves") >= moves*readers && page.state().Moves >= moves })
	rate := float64(p.sent[ch].Load()-first) / time.Since(begun).Seconds()
	traffic.quiesce()
	last := p.sent[ch].Load()
	await(t, "the page has everything", func() bool { return page.state().Last == last })
	f.book.setCalm(false)
	said := page.stop()
	traffic.leave()

	if c := f.book.judge(); c.Gaps > 0 {
		t.Errorf("%d gaps", c.Gaps)
		f.book.tellGaps()
		f.show()
	}
	for _, c := range clients {
		if n := c.keeper.Repeated(); n > 0 {
			t.Errorf("%s: %d messages came twice on one connection", c.name, n)
		}
	}
	t.Logf("%.0f messages a second, %d moves of %d clients; the page: %+v", rate, f.book.counted("moves"), readers, said)
	if said.Missing+said.Again+said.Gaps+said.Bare > 0 || said.Last-said.First+1 != said.Given {
		t.Errorf("the page was given %+v", said)
	}
}

// page is the browser's client in a process of its own.
type page struct {
	t     *testing.T
	stdin io.Closer
	ended chan error

	mu   sync.Mutex // guards said
	said pageState
}

// pageState is what it says of itself.
type pageState struct {
	First, Last, Given, Missing, Again int64
	Gaps, Moves, Bare                  int64
}

func (s *system) startPage(channel string) *page {
	s.t.Helper()
	p := &page{t: s.t, ended: make(chan error, 1)}
	cmd := exec.Command("node", "--experimental-websocket", "testdata/rotate.mjs", s.socketURL(), s.token("acme", "page"), channel)
	log := &logbook{}
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	p.stdin = stdin
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("Node 20 or newer is needed: %v", err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		if s.t.Failed() {
			s.t.Logf("the page: %s", log.tail(20))
		}
	})
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.mu.Lock()
			if err := json.Unmarshal(lines.Bytes(), &p.said); err != nil {
				p.t.Errorf("the page says %s", lines.Text())
			}
			p.mu.Unlock()
		}
		p.ended <- cmd.Wait()
	}()
	return p
}

func (p *page) state() pageState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said
}

// stop ends it and returns the last it said.
func (p *page) stop() pageState {
	p.t.Helper()
	_ = p.stdin.Close() // it may have ended
	if err := <-p.ended; err != nil {
		p.t.Errorf("the page: %v", err)
	}
	return p.state()
}
