package acceptance

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowd is many readers on plain sockets, and the clock by which they judge.
type crowd struct {
	t       *testing.T
	begun   time.Time
	members []*member
	reading sync.WaitGroup
	got     atomic.Int64 // messages, by all
}

// member is one of them. Its goroutine owns what it has, until it has ended.
type member struct {
	*client
	expected  map[string]int // the number that comes next, by channel
	latencies [][]time.Duration
	failed    error
}

// join connects a reader of the channels.
func (w *crowd) join(addr string, d dialing, channels []string, rounds int) {
	w.t.Helper()
	c, err := dial(w.t.Context(), addr, d)
	if err != nil {
		w.t.Fatal(err)
	}
	m := &member{client: c, expected: map[string]int{}, latencies: make([][]time.Duration, rounds)}
	w.members = append(w.members, m)
	subs := make([]string, len(channels))
	for i, ch := range channels {
		subs[i] = `{"channel":` + quote(ch) + `}`
	}
	if err := c.say(`{"type":"connect","subscriptions":[` + strings.Join(subs, ",") + `]}`); err != nil {
		w.t.Fatal(err)
	}
	for answered := 0; answered < len(channels); {
		f, err := c.next()
		if err != nil || f.Type == "error" {
			w.t.Fatalf("%+v, %v", f, err)
		}
		if f.Type == "ok" {
			answered++
		}
	}
	_ = c.conn.SetReadDeadline(time.Time{})
	w.reading.Go(func() { m.failed = m.listen(w) })
}

// listen reads until the connection is closed.
func (m *member) listen(w *crowd) error {
	var buf []byte
	for {
		payload, err := m.read(buf[:0])
		if err != nil {
			return err
		}
		buf = payload
		if !bytes.HasPrefix(payload, []byte(`{"type":"message"`)) {
			if bytes.HasPrefix(payload, []byte(`{"type":"heartbeat"`)) || bytes.HasPrefix(payload, []byte(`{"type":"welcome"`)) {
				continue
			}
			return fmt.Errorf("given %.200s", payload)
		}
		channel, round, number, sent, err := readMessage(payload)
		if err != nil {
			return err
		}
		if next, begun := m.expected[channel]; begun && next != number {
			return fmt.Errorf("%s: %d came in the place of %d", channel, number, next)
		}
		m.expected[channel] = number + 1
		m.latencies[round] = append(m.latencies[round], time.Since(w.begun)-sent)
		w.got.Add(1)
	}
}

// await waits until all of them together have been given so many messages, for as long as some come.
func (w *crowd) await(t *testing.T, what string, want int64) {
	t.Helper()
	for got := w.got.Load(); got < want; {
		before := got
		await(t, fmt.Sprintf("more than %d of %d messages, which is %s", before, want, what), func() bool {
			got = w.got.Load()
			return got > before
		})
	}
}

// message is an event whose data says what readMessage reads; padding is some bytes more.
func message(channel, key string, round, number int, sent time.Duration, padding int) string {
	return fmt.Sprintf(`{"channel":%q,"key":%q,"data":[%d,%d,%d,"%s"]}`, channel, key, round, number, sent, strings.Repeat("x", padding))
}

// readMessage reads a message frame without a JSON parser, which would cost more than all else.
func readMessage(payload []byte) (channel string, round, number int, sent time.Duration, err error) {
	_, rest, _ := bytes.Cut(payload, []byte(`"channel":"`))
	name, rest, _ := bytes.Cut(rest, []byte(`"`))
	_, rest, _ = bytes.Cut(rest, []byte(`"data":[`))
	var n [3]int
	for i := range n {
		text, after, ok := bytes.Cut(rest, []byte(","))
		if n[i], err = strconv.Atoi(string(text)); err != nil || !ok {
			return "", 0, 0, 0, fmt.Errorf("what is %.200s?", payload)
		}
		rest = after
	}
	return string(name), n[0], n[1], time.Duration(n[2]), nil
}

// leave ends all connections. It may be called twice.
func (w *crowd) leave() {
	for _, m := range w.members {
		_ = m.conn.Close()
	}
	w.reading.Wait()
}

// of returns the latencies of a round, sorted.
func (w *crowd) of(round int) []time.Duration {
	var all []time.Duration
	for _, m := range w.members {
		all = append(all, m.latencies[round]...)
	}
	slices.Sort(all)
	return all
}

func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*p/100]
}
