package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/wire"
)

// event is one of a stream, as a browser's EventSource would read it.
type event struct {
	name, id, retry string
	frame           wire.ServerFrame
}

// page reads a stream of events, and keeps its last id.
type page struct {
	t      *testing.T
	resp   *http.Response
	lines  *bufio.Scanner
	lastID string
}

// open asks for a stream, which has to begin.
func (s *service) open(token, lastID string, channels ...string) *page {
	s.t.Helper()
	header := http.Header{"Authorization": {"Bearer " + token}}
	if lastID != "" {
		header.Set("Last-Event-ID", lastID)
	}
	resp := s.get("/v1/events?"+url.Values{"channel": channels}.Encode(), header)
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("no stream: %s", resp.Status)
	}
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"} {
		if got := resp.Header.Get(name); got != want {
			s.t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	p := readPage(s.t, resp)
	p.lastID = lastID
	return p
}

// openBriefly opens a stream with a token that ends soon, as connectBriefly does.
func (s *service) openBriefly(tenant, user, channel string) *page {
	s.t.Helper()
	for lasts := 2 * time.Second; lasts < time.Minute; lasts *= 2 {
		resp := s.get("/v1/events?channel="+channel, http.Header{"Authorization": {"Bearer " + s.token(tenant, user, ends(lasts))}})
		if resp.StatusCode == http.StatusOK {
			return readPage(s.t, resp)
		}
	}
	s.t.Fatal("no token lasts until its stream is open")
	return nil
}

func readPage(t *testing.T, resp *http.Response) *page {
	return &page{t: t, resp: resp, lines: bufio.NewScanner(resp.Body)}
}

// next returns the next event; ok is false at the end of the stream.
func (p *page) next() (e event, ok bool) {
	p.t.Helper()
	timer := time.AfterFunc(patience, func() { _ = p.resp.Body.Close() })
	defer timer.Stop()
	for p.lines.Scan() {
		line := p.lines.Text()
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "":
			return e, true
		case "id":
			e.id, p.lastID = value, value
		case "event":
			e.name = value
		case "retry":
			e.retry = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e.frame); err != nil {
				p.t.Fatalf("%s: %v", line, err)
			}
		default:
			p.t.Fatalf("what is %q?", line)
		}
	}
	return e, false
}

// expect takes an event of that name whose frame has the members that want names.
func (p *page) expect(name, want string) event {
	p.t.Helper()
	e, ok := p.next()
	if !ok {
		p.t.Fatalf("the stream ended instead of %s %s", name, want)
	}
	if d := differs(e.frame, want); d != "" || e.name != name {
		p.t.Fatalf("want %s %s, got %s: %s", name, want, e.name, d)
	}
	return e
}

func (p *page) leave() { _ = p.resp.Body.Close() }

func TestEvents(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	token := s.token("acme", "ann")
	writer := s.connect("acme", "writer")
	publish := func(channel, id, data string) {
		t.Helper()
		writer.send(`{"type":"publish","id":1,"channel":"` + channel + `","event":` + id + `,"data":` + data + `}`)
		writer.expect(`{"type":"ok","id":1}`)
	}
	p := s.open(token, "", "prices:fx", "alerts:ann")
	if e, _ := p.next(); e.retry == "" {
		t.Errorf("no retry hint: %+v", e)
	}
	p.expect("welcome", `{"type":"welcome","user":"ann","tenant":"acme"}`)
	p.expect("ok", `{"type":"ok","resumed":false}`)
	p.expect("ok", `{"type":"ok","resumed":false}`)
	publish("prices:fx", `"e1"`, `1`)
	publish("alerts:ann", `"e \"2\" \\ ü"`, `"two"`) // an ID that needs escapes
	if e := p.expect("", `{"type":"message","channel":"prices:fx","data":1}`); e.id == "" {
		t.Error("the message has no id")
	}
	p.expect("", `{"type":"message","channel":"alerts:ann","data":"two"}`)
	p.leave()

	publish("prices:fx", `"e3"`, `3`)
	publish("alerts:ann", `"e4"`, `4`)

	// Resumed, with the channels in another order.
	p = s.open(token, p.lastID, "alerts:ann", "prices:fx", "new:one")
	_, _ = p.next()
	p.expect("welcome", `{"type":"welcome"}`)
	got := map[string]int{}
	for range 5 {
		e, ok := p.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		if e.frame.Type == "ok" && (e.frame.Resumed == (e.frame.Channel == "new:one") || e.frame.Gap) {
			t.Errorf("answered %+v", e.frame)
		}
		got[e.frame.Channel+" "+string(e.frame.Data)]++
	}
	for _, want := range []string{"prices:fx 3", "alerts:ann 4", "prices:fx ", "alerts:ann ", "new:one "} {
		if got[want] != 1 {
			t.Errorf("%q came %d times: %v", want, got[want], got)
		}
	}
}

func TestEventsHeartbeatMovesTheID(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{Pace: hub.Pace{Heartbeat: 50 * time.Millisecond}})
	p := s.open(s.token("acme", "ann"), "", "prices:fx")
	_, _ = p.next()
	p.expect("welcome", `{"type":"welcome","heartbeatMs":50}`)
	before := ""
	for {
		e, ok := p.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		if e.name == "heartbeat" && e.frame.AsOf > 0 && e.id != "" && e.id != before {
			break
		}
		before = p.lastID
	}
}

func TestEventsRefused(t *testing.T) {
	t.Parallel()
	closed := tenant("closed")
	picky := tenant("picky")
	picky.Origins = []string{"https://app.example.com"}
	one := tenant("one")
	one.Limits.ConnectionsPerUser = 1
	s := start(t, gateway.Options{}, tenant("acme"), closed, picky, one)
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	good := bearer(s.token("acme", "ann", func(c *auth.Claims) { c.Grants.Subscribe = []realtime.Pattern{"prices:*"} }))
	suspended := bearer(s.token("closed", "ann"))
	stored, err := s.tenants.Stored(t.Context(), "closed")
	if err != nil {
		t.Fatal(err)
	}
	gone := *stored
	gone.Suspended = true
	if _, err := s.tenants.Put(t.Context(), &gone); err != nil {
		t.Fatal(err)
	}
	from := bearer(s.token("picky", "ann"))
	from.Set("Origin", "https://evil.example.com")
	s.open(s.token("one", "ann"), "", "a:1")
	for name, c := range map[string]struct {
		query  string
		header http.Header
		status int
	}{
		"no token":        {"?channel=prices:fx", http.Header{}, 401},
		"bad token":       {"?channel=prices:fx", bearer("a.b.c"), 401},
		"query token":     {"?channel=prices:fx&token=" + s.token("acme", "ann"), http.Header{}, 401},
		"suspended":       {"?channel=prices:fx", suspended, 403},
		"origin":          {"?channel=prices:fx", from, 403},
		"no channel":      {"", good, 400},
		"33 channels":     {"?" + strings.Repeat("channel=prices:fx&", 33), good, 400},
		"bad channel":     {"?channel=a::b", good, 400},
		"bad channels":    {"?channel=a::b&channel=", good, 400},
		"no grant":        {"?channel=board:8&channel=board:7", good, 403},
		"second of a one": {"?channel=prices:fx", bearer(s.token("one", "ann")), 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := s.get("/v1/events"+c.query, c.header)
			if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("answered %s %v, want %d", resp.Status, resp.Header, c.status)
			}
			if c.status == 429 && resp.Header.Get("Retry-After") == "" {
				t.Error("it does not say when to come back")
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error("a page cannot read why")
			}
		})
	}
}

func TestEventsPreflightAndHead(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	for method, want := range map[string]int{http.MethodOptions: http.StatusNoContent, http.MethodHead: http.StatusMethodNotAllowed} {
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+"/v1/events?channel=a:1", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %s", method, resp.Status)
		}
	}
}

// A reader that does not read is closed by its channel's policy, and holds up nobody.
func TestEventsSlowReader(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Limits = realtime.Limits{PublishesPerSecond: 100_000, FramesPerSecond: 100_000, BytesPerSecond: 1 << 30, QueueMessages: 64}
	s := start(t, gateway.Options{}, doc)
	slow := s.open(s.token("acme", "slow"), "", "a:1")
	reader, writer := s.connect("acme", "reader"), s.connect("acme", "writer")
	reader.send(`{"type":"subscribe","id":1,"channel":"a:1"}`)
	reader.expect(`{"type":"ok","id":1}`)
	data := strings.Repeat("x", 60_000)
	// Its queue is full, or a write has taken too long before that on a busy machine: it is too slow either way.
	for i := 0; s.counts.of(realtime.CountDrops, "too-slow")+s.counts.of(realtime.CountDisconnects, "too-slow") == 0; i++ {
		writer.send(fmt.Sprintf(`{"type":"publish","id":%d,"channel":"a:1","data":"%s"}`, i, data))
		writer.expect(`{"type":"ok"}`)
		reader.expect(`{"type":"message","channel":"a:1"}`)
	}
	s.counts.await(realtime.CountDisconnects, "too-slow")
	slow.leave()
}

func TestEventsEnd(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	p := s.openBriefly("acme", "ann", "a:1")
	drained := s.open(s.token("acme", "bob"), "", "a:1")
	last := func(p *page) (e event) {
		for {
			next, ok := p.next()
			if !ok {
				return e
			}
			e = next
		}
	}
	if e := last(p); e.name != "closing" || e.frame.Code != realtime.CodeExpired {
		t.Errorf("it ended with %+v", e)
	}
	closed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		closed <- s.gateway.Close(ctx)
	}()
	if e := last(drained); e.name != "closing" || e.frame.Code != realtime.CodeDraining || e.retry == "" {
		t.Errorf("it ended with %+v", e)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	s.counts.await(realtime.CountDisconnects, "expired")
}

// late is what a client that has stopped reading looks like to who writes to it.
type late struct{ *httptest.ResponseRecorder }

func (l *late) SetWriteDeadline(time.Time) error { return nil }
func (l *late) Write([]byte) (int, error)        { return 0, fmt.Errorf("write: %w", os.ErrDeadlineExceeded) }
func (l *late) FlushError() error                { return nil }
func (l *late) Unwrap() http.ResponseWriter      { return l.ResponseRecorder }

// A reader that does not take what is written in time has not left: it is counted as too slow.
func TestEventsWriteDeadline(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/events?channel=a:1", nil)
	r.Header.Set("Authorization", "Bearer "+s.token("acme", "slow"))
	s.gateway.ServeHTTP(&late{httptest.NewRecorder()}, r)
	if slow, left := s.counts.of(realtime.CountDisconnects, "too-slow"), s.counts.of(realtime.CountDisconnects, "client"); slow != 1 || left != 0 {
		t.Errorf("%d were counted as too slow and %d as gone", slow, left)
	}
}
