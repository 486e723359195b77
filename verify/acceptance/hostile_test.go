package acceptance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// hostile is a client that means no good. It goes on until ctx ends, however often it is sent away; it has a
// tenant of its own, with limits by default.
type hostile struct {
	addr  string
	token string // grants everything of its tenant
	bare  string // grants nothing
}

// hostiles are all kinds of them, each with how many of it run at once.
func hostiles() map[string]struct {
	many int
	run  func(context.Context, *hostile)
} {
	type kind = struct {
		many int
		run  func(context.Context, *hostile)
	}
	return map[string]kind{
		"slow reader of a conflating channel":  {5, slowReader("conflate:a")},
		"slow reader of a channel that drops":  {5, slowReader("drop:a")},
		"slow reader of a channel that closes": {5, slowReader("close:a")},
		"replays, asked for and left":          {3, repeated(20*time.Millisecond, resubscribes)},
		"refused subscribes":                   {3, func(ctx context.Context, h *hostile) { h.refusals(ctx) }},
		"presence watches":                     {3, repeated(20*time.Millisecond, func(i int) string { return fmt.Sprintf(`{"type":"presence","id":%d,"channel":"own:%d"}`, i, i) })},
		"publishes that wait for no answer": {2, repeated(5*time.Millisecond, func(i int) string {
			return fmt.Sprintf(`{"type":"publish","id":%d,"channel":"conflate:a","key":"k%d","data":"%s"}`, i, i%7, strings.Repeat("x", 4000))
		})},
		"channels without end": {2, repeated(5*time.Millisecond, func(i int) string {
			return fmt.Sprintf(`{"type":"publish","id":%d,"channel":"many:%d","data":1}`, i, rand.Int())
		})},
		"positions of another world":              {2, repeated(20*time.Millisecond, foreignPositions)},
		"calls to nowhere":                        {2, repeated(20*time.Millisecond, func(i int) string { return fmt.Sprintf(`{"type":"call","id":%d,"route":"r%d"}`, i, i) })},
		"empty fragments, without a token":        {2, func(ctx context.Context, h *hostile) { h.fragments(ctx) }},
		"pings, without a token":                  {2, func(ctx context.Context, h *hostile) { h.pings(ctx) }},
		"silent sockets":                          {300, func(ctx context.Context, h *hostile) { h.silent(ctx) }},
		"bodies that never come":                  {100, bodiless("POST /v1/tenants/evil/events")},
		"bodies that never come, where none goes": {100, bodiless("GET /v1/socket")},
		"handshakes that never end":               {100, func(ctx context.Context, h *hostile) { h.half(ctx) }},
		"frames byte by byte":                     {20, func(ctx context.Context, h *hostile) { h.trickles(ctx) }},
		"bad tokens":                              {2, func(ctx context.Context, h *hostile) { h.forger(ctx) }},
		"events that nobody reads":                {5, func(ctx context.Context, h *hostile) { h.deafEvents(ctx) }},
		"resets":                                  {2, func(ctx context.Context, h *hostile) { h.resets(ctx) }},
	}
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// connected dials again and again, and hands each connection to do, until ctx ends.
func (h *hostile) connected(ctx context.Context, d dialing, do func(*client)) {
	for pause(ctx, 200*time.Millisecond) {
		c, err := dial(ctx, h.addr, d)
		if err != nil {
			continue // sent away, as it deserves
		}
		stop := context.AfterFunc(ctx, c.reset)
		do(c)
		stop()
		c.reset()
	}
}

// slowReader takes some bytes a second of a channel that others fill.
func slowReader(channel string) func(context.Context, *hostile) {
	return func(ctx context.Context, h *hostile) {
		h.connected(ctx, dialing{token: h.token, receives: 4 << 10}, func(c *client) {
			if c.say(`{"type":"connect","subscriptions":[{"channel":`+quote(channel)+`}]}`) != nil {
				return
			}
			sip(ctx, c.conn, 2000)
		})
	}
}

// sip reads so many bytes a second until the connection ends.
func sip(ctx context.Context, r io.Reader, perSecond int) {
	buf := make([]byte, perSecond/10)
	for pause(ctx, 100*time.Millisecond) {
		if _, err := r.Read(buf); err != nil {
			return
		}
	}
}

// repeated sends a frame of its own every so often, and reads slowly.
func repeated(every time.Duration, frame func(i int) string) func(context.Context, *hostile) {
	return func(ctx context.Context, h *hostile) {
		h.connected(ctx, dialing{token: h.token, receives: 4 << 10}, func(c *client) {
			h.floods(ctx, c, every, frame)
		})
	}
}

func (h *hostile) floods(ctx context.Context, c *client, every time.Duration, frame func(i int) string) {
	var reading sync.WaitGroup
	defer reading.Wait()
	defer c.reset()
	reading.Go(func() { sip(ctx, c.conn, 4000) })
	for i := 1; pause(ctx, every); i++ {
		if c.say(frame(i)) != nil {
			return
		}
	}
}

func resubscribes(i int) string {
	if i%2 == 0 {
		return `{"type":"unsubscribe","channel":"conflate:a"}`
	}
	return fmt.Sprintf(`{"type":"subscribe","id":%d,"channel":"conflate:a","since":"%d-"}`, i, time.Now().Add(-30*time.Second).UnixMilli())
}

func foreignPositions(i int) string {
	since := []string{"0-", "x", "99999999999999999999-a", "-", fmt.Sprint(time.Now().Add(time.Hour).UnixMilli(), "-z"), strings.Repeat("9", 300)}
	if i%2 == 0 {
		return `{"type":"unsubscribe","channel":"close:a"}`
	}
	return fmt.Sprintf(`{"type":"subscribe","id":%d,"channel":"close:a","since":%q}`, i, since[i/2%len(since)])
}

// refusals asks for what its token does not grant.
func (h *hostile) refusals(ctx context.Context) {
	h.connected(ctx, dialing{token: h.bare, receives: 4 << 10}, func(c *client) {
		h.floods(ctx, c, 20*time.Millisecond, func(i int) string { return fmt.Sprintf(`{"type":"subscribe","id":%d,"channel":"own:%d"}`, i, i) })
	})
}

// fragments begins a message and never ends it.
func (h *hostile) fragments(ctx context.Context) {
	many := []byte{}
	for range 1000 {
		many = append(many, 0x00, 0x80, 1, 2, 3, 4)
	}
	h.connected(ctx, dialing{}, func(c *client) {
		err := c.write([]byte{0x01, 0x80, 1, 2, 3, 4})
		for err == nil && pause(ctx, time.Millisecond) {
			err = c.write(many)
		}
	})
}

func (h *hostile) pings(ctx context.Context) {
	h.connected(ctx, dialing{receives: 4 << 10}, func(c *client) {
		for c.write(frameOf(opPing, make([]byte, 125))) == nil && pause(ctx, time.Millisecond) {
			continue
		}
	})
}

// silent says nothing, from one of many addresses.
func (h *hostile) silent(ctx context.Context) {
	h.connected(ctx, dialing{from: net.IPv4(127, 0, 2, byte(1+rand.IntN(200)))}, func(c *client) { _, _ = io.Copy(io.Discard, c.conn) })
}

// raw opens TCP connections, writes, and waits until the server ends them.
func (h *hostile) raw(ctx context.Context, text string) {
	for pause(ctx, 200*time.Millisecond) {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", h.addr)
		if err != nil {
			continue
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
		stop()
		_ = conn.Close()
	}
}

func bodiless(line string) func(context.Context, *hostile) {
	return func(ctx context.Context, h *hostile) {
		h.raw(ctx, line+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
	}
}

func (h *hostile) half(ctx context.Context) {
	h.raw(ctx, handshakeOf("x", dialing{})[:60])
}

func (h *hostile) trickles(ctx context.Context) {
	h.connected(ctx, dialing{}, func(c *client) {
		for _, b := range text(`{"type":"connect","token":"` + strings.Repeat("x", 1000)) {
			if c.write([]byte{b}) != nil || !pause(ctx, 50*time.Millisecond) {
				return
			}
		}
	})
}

// forger offers tokens of made-up keys.
func (h *hostile) forger(ctx context.Context) {
	for i := 0; pause(ctx, 50*time.Millisecond); i++ {
		made := forge(fmt.Sprintf(`{"alg":"HS256","kid":"k%d"}`, i), fmt.Sprintf(`{"sub":"eve","tenant":"acme","exp":%d}`, time.Now().Add(time.Hour).Unix()), "secret")
		if c, err := dial(ctx, h.addr, dialing{token: made}); err == nil {
			c.reset()
		}
	}
}

// deafEvents follows Server-Sent Events and takes almost nothing of them.
func (h *hostile) deafEvents(ctx context.Context) {
	for pause(ctx, 200*time.Millisecond) {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", h.addr)
		if err != nil {
			continue
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		_, _ = fmt.Fprintf(conn, "GET /v1/events?channel=conflate:a&channel=close:a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nLast-Event-ID: %x\r\n\r\n", h.token, rand.Uint64())
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		sip(ctx, conn, 500)
		stop()
		_ = conn.Close()
	}
}

func (h *hostile) resets(ctx context.Context) {
	for pause(ctx, 20*time.Millisecond) {
		if c, err := dial(ctx, h.addr, dialing{token: h.token}); err == nil {
			c.reset()
		}
	}
}

// attack has all kinds run until ctx ends, in a process of their own.
func attack(ctx context.Context, p *process, evil *realtime.Tenant, bare string) {
	p.t.Helper()
	if err := p.child(ctx, roleAttacker, token(p.t, evil, "eve"), bare).Run(); ctx.Err() == nil {
		p.t.Fatalf("the attackers ended by themselves: %v", err)
	}
}

// attackHere is the attackers' process. It ends when it is killed.
func attackHere(ctx context.Context) {
	h := &hostile{addr: os.Getenv(childAddr), token: os.Getenv(childToken), bare: os.Getenv(childBare)}
	var all sync.WaitGroup
	for _, k := range hostiles() {
		for range k.many {
			all.Go(func() { k.run(ctx, h) })
		}
	}
	all.Go(func() { h.feed(ctx) })
	all.Wait()
}

// feed fills the channels of the slow readers, by ingest.
func (h *hostile) feed(ctx context.Context) {
	c := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer c.CloseIdleConnections()
	padding := strings.Repeat("x", 4000)
	for i := 0; pause(ctx, 25*time.Millisecond); i++ {
		body := fmt.Sprintf(`[{"channel":"conflate:a","key":"k%d","data":"%s"},{"channel":"drop:a","data":"%s"},{"channel":"close:a","data":"%s"}]`, i%5, padding, padding, padding)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+h.addr+"/v1/tenants/evil/events", strings.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Authorization", "Bearer "+h.token)
		r.Header.Set("Content-Type", "application/json")
		res, err := c.Do(r)
		if errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	}
}
