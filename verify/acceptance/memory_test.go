package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// honest reads a channel as fast as it comes, and resumes when it is closed. What it misses has to have been told.
type honest struct {
	addr, token string
	position    string
	next, gaps  int
	last        atomic.Int64 // number of the newest message
	stop        atomic.Bool
	failed      error
}

func (h *honest) read(t *testing.T) {
	for !h.stop.Load() {
		c, err := dial(t.Context(), h.addr, dialing{token: h.token})
		if err != nil {
			time.Sleep(50 * time.Millisecond) // refused: it comes back
			continue
		}
		since := ""
		if h.position != "" {
			since = `,"since":` + quote(h.position)
		}
		_ = c.say(`{"type":"connect","subscriptions":[{"channel":"prices:fx"` + since + `}]}`)
		h.failed = h.listen(c)
		_ = c.conn.Close()
		if h.failed != nil {
			return
		}
	}
}

// listen returns an error only for what was promised and is not kept.
func (h *honest) listen(c *client) error {
	var buf []byte
	for !h.stop.Load() {
		_ = c.conn.SetReadDeadline(time.Now().Add(time.Second))
		payload, err := c.read(buf[:0])
		if err != nil {
			return nil //nolint:nilerr // closed, or silent: another connection tells
		}
		buf = payload
		var f struct {
			Type, Code, Position string
			Gap                  bool
		}
		if bytes.HasPrefix(payload, []byte(`{"type":"message"`)) {
			_, _, number, _, err := readMessage(payload)
			if err != nil {
				return err
			}
			if h.next > 0 && number > h.next {
				return fmt.Errorf("%d came in the place of %d, and no gap was told", number, h.next)
			}
			h.next = max(h.next, number+1)
			h.last.Store(int64(number))
			_, rest, _ := bytes.Cut(payload, []byte(`"position":"`))
			position, _, _ := bytes.Cut(rest, []byte(`"`))
			h.position = string(position)
			continue
		}
		if err := json.Unmarshal(payload, &f); err != nil {
			return err
		}
		if f.Gap || f.Code == "gap" {
			h.gaps++
			h.next, h.position = 0, f.Position
		}
	}
	return nil
}

// TestMemoryIsBounded gives a process little memory and more than that to keep: twenty tenants publish at once, each to
// readers most of whom do not read. It stays about what it was given, says so, and who reads loses nothing or
// is told.
func TestMemoryIsBounded(t *testing.T) {
	const limit, tenants, slow, bytesEach = 96 << 20, 20, 15, 4 << 10
	messages := 800
	if os.Getenv("TIDEWIRE_SOCKETS") != "" { // make soak
		messages = 8000
	}
	t.Setenv("GOMEMLIMIT", strconv.Itoa(limit))
	var p *process
	t.Cleanup(func() { // it has ended, and its log is whole
		if !strings.Contains(p.log.String(), "memory is short") {
			t.Error("that memory is short was not said")
		}
	})
	docs := make([]*realtime.Tenant, tenants)
	for i := range docs {
		docs[i] = tenant(fmt.Sprintf("t%d", i+10))
	}
	p = startProcess(t, docs...)
	var most atomic.Int64
	watching, stopWatching := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watching)
		for {
			select {
			case <-stopWatching:
				return
			case <-time.After(20 * time.Millisecond):
				most.Store(max(most.Load(), residentBytes(p.cmd.Process.Pid)))
			}
		}
	}()
	readers := make([]*honest, tenants)
	var reading, publishing sync.WaitGroup
	for i, doc := range docs {
		for range affordable(t, slow*tenants, 1) / tenants {
			c, err := dial(t.Context(), p.addr, dialing{token: token(t, doc, "slow"), receives: 4 << 10})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.conn.Close() })
			if err := c.say(`{"type":"connect","subscriptions":[{"channel":"prices:fx"}]}`); err != nil {
				t.Fatal(err)
			}
		}
		readers[i] = &honest{addr: p.addr, token: token(t, doc, "honest")}
		reading.Go(func() { readers[i].read(t) })
	}
	for _, doc := range docs {
		producer := token(t, doc, "producer")
		publishing.Go(func() {
			for n := 0; n < messages; n += 20 {
				batch := make([]string, 20)
				for j := range batch {
					batch[j] = message("prices:fx", "k", 0, n+j, 0, bytesEach)
				}
				for try := 0; ; try++ {
					a, err := p.post(doc.ID, producer, "["+strings.Join(batch, ",")+"]")
					if err == nil && a.Status == 200 {
						break
					}
					if try > 100 {
						t.Errorf("%v %+v", err, a)
						return
					}
					time.Sleep(100 * time.Millisecond)
				}
			}
		})
	}
	publishing.Wait()
	for i, doc := range docs { // whoever was told gap last of all has nothing to wait for but what is new
		p.speaksUntilHeard(t, doc, messages, bytesEach, &readers[i].last)
	}
	gaps := 0
	for _, r := range readers {
		r.stop.Store(true)
	}
	reading.Wait()
	for i, r := range readers {
		if r.failed != nil {
			t.Errorf("reader %d: %v", i, r.failed)
		}
		gaps += r.gaps
	}
	close(stopWatching)
	<-watching
	evicted := p.figures().sum("tidewire_evictions_total")
	t.Logf("%d MiB were published; at most %d MiB resident, %v evicted, %d gaps told", tenants*messages*bytesEach>>20, most.Load()>>20, evicted, gaps)
	// The binary and what the kernel counts come on top of what Go counts.
	if most.Load() > limit+64<<20 {
		t.Errorf("%d MiB resident, of a limit of %d MiB", most.Load()>>20, limit>>20)
	}
	if !bytes.Contains(p.figures().text, []byte(`reason="budget"`)) {
		t.Error("no record was given up for memory: the test has become too easy")
	}
}

// speaksUntilHeard publishes message after message, slowly, until the reader has one of them.
func (p *process) speaksUntilHeard(t *testing.T, doc *realtime.Tenant, number, bytesEach int, last *atomic.Int64) {
	t.Helper()
	first, producer, due := int64(number), token(t, doc, "producer"), time.Now()
	await(t, "something new at the reader of "+doc.ID, func() bool {
		if now := time.Now(); now.After(due) {
			a, err := p.post(doc.ID, producer, message("prices:fx", "k", 0, number, 0, bytesEach))
			if err == nil && a.Status == 200 {
				number++
			}
			due = now.Add(200 * time.Millisecond)
		}
		return last.Load() >= first
	})
}

// residentBytes is what a process has resident, 0 where that cannot be known.
func residentBytes(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
