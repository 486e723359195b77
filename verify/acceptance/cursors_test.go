package acceptance

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

const cursorRate = 20 // positions a second of each pointer

// board is what one viewer is shown of the pointers of all.
type board struct {
	client *client

	mu    sync.Mutex // guards what follows
	shown map[string]int
	bytes int // of the frames of the channel
	moves int
	ended error
}

// pointed is the value of a pointer.
type pointed struct {
	N int     `json:"n"`
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// A hundred pointers move on one channel twenty times a second each, and everybody sees all of them: nobody is sent more bytes than the rule of transient state allows,
// and everybody ends with the last position of each. TIDEWIRE_CURSORS is how many seconds they move. What it costs the server is logged, as
// processor time, with what it costs to take in the same where nobody looks.
func TestCursors(t *testing.T) {
	pointers, seconds := affordable(t, 100, 1), 4
	if s := os.Getenv("TIDEWIRE_CURSORS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("TIDEWIRE_CURSORS: %v", err)
		}
		seconds = n
	}
	doc := tenant("acme", func(d *realtime.Tenant) {
		d.Namespaces = map[string]realtime.Namespace{"cursors": {State: &realtime.State{Transient: true}}}
	})
	p := startProcess(t, doc)
	all := make([]*board, pointers)
	for i := range all {
		c, err := dial(t.Context(), p.addr, dialing{token: token(t, doc, fmt.Sprint("u", i))})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.conn.Close() }()
		c.until(t, "welcome", func(f wire.ServerFrame) bool { return f.Type == wire.TypeWelcome })
		all[i] = &board{client: c, shown: map[string]int{}}
	}
	var reading sync.WaitGroup
	for _, b := range all {
		reading.Go(b.read)
	}
	unseen, published := p.move(t, all, "cursors:8", seconds)
	for _, b := range all {
		if err := b.client.say(`{"type":"subscribe","id":"s","channel":"cursors:7","state":true}`); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	seen, n := p.move(t, all, "cursors:7", seconds)
	for i, b := range all {
		await(t, fmt.Sprintf("viewer %d to see the last position of each", i), func() bool { return b.has(pointers, n[i]) || b.failed() != nil })
	}
	most := int(time.Since(begun).Seconds()*realtime.TransientBytes) + realtime.TransientBytes
	bytes, moves := 0, 0
	for i, b := range all {
		_ = b.client.conn.Close()
		b.mu.Lock()
		if b.bytes > most {
			t.Errorf("viewer %d was sent %d bytes, and at most %d are allowed", i, b.bytes, most)
		}
		bytes, moves = bytes+b.bytes, moves+b.moves
		b.mu.Unlock()
	}
	reading.Wait()
	t.Logf("%d pointers: %d positions published; each viewer was sent %d bytes and %d positions; %.0f ms of a processor a second, and %.0f ms to take in %d that nobody looks at",
		pointers, sum(n), bytes/pointers, moves/pointers, seen, unseen, sum(published))
}

// move has all pointers move for some seconds, each as often as it is to, and returns how many milliseconds of a processor the server took for a second of that, and how often
// each has moved.
func (p *process) move(t *testing.T, all []*board, channel string, seconds int) (ms float64, moved []int) {
	t.Helper()
	before := p.figures().of("process_cpu_seconds_total")
	moved = make([]int, len(all))
	var moving sync.WaitGroup
	for i, b := range all {
		moving.Go(func() {
			time.Sleep(time.Duration(i) * time.Second / cursorRate / time.Duration(len(all)))
			tick := time.NewTicker(time.Second / cursorRate)
			defer tick.Stop()
			for range seconds * cursorRate {
				data, _ := json.Marshal(pointed{moved[i] + 1, float64(i) + 0.25, float64(moved[i]) * 1.5}) // numbers never fail
				if err := b.client.say(fmt.Sprintf(`{"type":"publish","id":%d,"channel":%q,"key":"$connection","transient":true,"data":%s}`, moved[i], channel, data)); err != nil {
					t.Error(err)
					return
				}
				moved[i]++
				<-tick.C
			}
		})
	}
	moving.Wait()
	return 1000 * (p.figures().of("process_cpu_seconds_total") - before) / float64(seconds), moved
}

func (b *board) read() {
	var buf []byte
	for {
		payload, err := b.client.read(buf[:0])
		if err != nil {
			b.fail(err)
			return
		}
		buf = payload
		f, err := wire.DecodeServer(payload)
		if err != nil {
			b.fail(err)
			return
		}
		switch f.Type {
		case wire.TypeError, wire.TypeNotice:
			b.fail(fmt.Errorf("told %s", payload))
		case wire.TypeMessage, wire.TypeSnapshot, wire.TypeChanges:
			b.take(&f, len(payload))
		}
	}
}

// take notes what a frame shows.
func (b *board) take(f *wire.ServerFrame, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += bytes
	note := func(key string, data json.RawMessage) {
		var at pointed
		if err := json.Unmarshal(data, &at); err != nil {
			b.ended = err
			return
		}
		b.shown[key] = at.N
		b.moves++
	}
	if f.Type == wire.TypeMessage {
		note(f.Key, f.Data)
	}
	for _, e := range f.Entries {
		note(e.Key, e.Data)
	}
}

func (b *board) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended == nil {
		b.ended = err
	}
}

func (b *board) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

// has reports whether all pointers are shown where they went last.
func (b *board) has(pointers, last int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.shown {
		if n != last {
			return false
		}
	}
	return len(b.shown) == pointers
}

func sum(all []int) (n int) {
	for _, v := range all {
		n += v
	}
	return n
}
