package acceptance

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// healthy are a reader by socket and one by Server-Sent Events, of a steady stream that a
// producer hands to ingest, all of the tenant of the abusers.
type healthy struct {
	*service
	stop   chan struct{}
	sent   int
	failed []error // what they met
	mu     sync.Mutex
	all    sync.WaitGroup
}

func (h *healthy) fail(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = append(h.failed, fmt.Errorf(format, args...))
}

const streamEvery = 20 * time.Millisecond

func (h *healthy) begin(t *testing.T) {
	c := h.connect(t, "acme", "healthy")
	c.subscribe(t, "healthy:stream")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+h.addr+"/v1/events?channel=healthy:stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token("acme", "healthy"))
	res, err := h.http.Transport.RoundTrip(r) // its client would end it
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), `data: {"type":"ok"`) {
		continue
	}
	h.all.Go(h.produce)
	h.all.Go(func() { h.readSocket(c) })
	h.all.Go(func() {
		defer res.Body.Close()
		h.readEvents(lines)
	})
}

func (h *healthy) produce() {
	producer := h.token("acme", "producer")
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	for over := false; !over; <-tick.C {
		data := fmt.Sprint(h.sent)
		select {
		case <-h.stop:
			over, data = true, `"end"`
		default:
		}
		if a, err := h.post("acme", producer, `{"channel":"healthy:stream","data":`+data+`}`); err != nil || a.Status != 200 {
			h.fail("producer: %v %+v", err, a)
		}
		h.sent++
	}
}

func (h *healthy) readSocket(c *client) {
	for n := 0; ; n++ {
		f, err := c.next()
		if err == nil && string(f.Data) == `"end"` {
			return
		}
		if err != nil || string(f.Data) != fmt.Sprint(n) {
			h.fail("socket, in the place of %d: %+v, %v", n, f, err)
			return
		}
	}
}

func (h *healthy) readEvents(lines *bufio.Scanner) {
	for n := 0; lines.Scan(); {
		frame, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || strings.HasPrefix(frame, `{"type":"heartbeat"`) {
			continue
		}
		if strings.HasSuffix(frame, `"data":"end"}`) {
			return
		}
		if !strings.HasSuffix(frame, fmt.Sprintf(`"data":%d}`, n)) {
			h.fail("events, in the place of %d: %s", n, frame)
			return
		}
		n++
	}
	h.fail("events: the stream ended: %v", lines.Err())
}

// Whatever abusers send is answered with its clear error, and costs a healthy reader of the
// same tenant, under default limits, not one message.
func TestBadInputCostsNobodyAnything(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Limits = realtime.Limits{}
	s := start(t, setup{
		tenants: []*realtime.Tenant{doc},
		gateway: gateway.Options{FirstFrame: 3 * time.Second},
		ingest:  ingest.Options{ReadTimeout: 3 * time.Second, MaxBody: 256 << 10},
	})
	h := &healthy{service: s, stop: make(chan struct{})}
	h.begin(t)
	before := s.open()
	t.Run("abuse", func(t *testing.T) {
		for what, abuse := range map[string]map[string]func(*testing.T, *service){
			"frame": badFrames(), "socket": rudeClients(), "ingest": badBodies(),
		} {
			for name, do := range abuse {
				t.Run(what+", "+name, func(t *testing.T) {
					t.Parallel()
					do(t, s)
				})
			}
		}
	})
	t.Run("connects without a token", func(t *testing.T) { nameless(t, s) })
	await(t, "the gauge of connections to return to its start", func() bool { return s.open() == before })
	close(h.stop)
	over := make(chan struct{})
	go func() {
		defer close(over)
		h.all.Wait()
	}()
	select {
	case <-over:
	case <-time.After(patience):
		t.Error("the healthy never read the end")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, err := range h.failed {
		t.Error(err)
	}
	t.Logf("%d messages reached the healthy", h.sent)
}
