package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// posted is the answer to frames in a request.
type posted struct {
	t      *testing.T
	resp   *http.Response
	lines  *bufio.Scanner
	closed string // the data of the event that says why it has ended
}

// post sends frames in the body of a request.
func (s *service) post(token string, frames ...string) *posted {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/v1/events", strings.NewReader(strings.Join(frames, "\n")))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	return &posted{t: s.t, resp: resp, lines: bufio.NewScanner(resp.Body)}
}

// next returns the next frame; ok is false at the end of the stream.
func (p *posted) next() (frame wire.ServerFrame, ok bool) {
	p.t.Helper()
	timer := time.AfterFunc(patience, func() { _ = p.resp.Body.Close() })
	defer timer.Stop()
	closing := false
	for p.lines.Scan() {
		line := p.lines.Text()
		closing = closing || line == "event: close"
		data, found := strings.CutPrefix(line, "data: ")
		if !found {
			continue
		}
		if closing {
			p.closed = data
			return frame, false
		}
		frame, err := wire.DecodeServer([]byte(data))
		if err != nil {
			p.t.Fatalf("%s: %v", data, err)
		}
		return frame, true
	}
	return frame, false
}

// expect reads on to a frame as differs wants it, past heartbeats.
func (p *posted) expect(wants ...string) (got wire.ServerFrame) {
	p.t.Helper()
	for _, want := range wants {
		var ok bool
		for got, ok = p.next(); ok && got.Type == wire.TypeHeartbeat; got, ok = p.next() {
		}
		if !ok {
			p.t.Fatalf("the stream has ended (%s), want %s", p.closed, want)
		}
		if d := differs(got, want); d != "" {
			p.t.Fatal(d)
		}
	}
	return got
}

// Frames in a request do what they do on a socket, each subscription with options of its own, and two of one channel; the stream goes on, and
// whoever comes back says in the next request where it stands.
func TestPostedFramesAreAnsweredAsOnASocket(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	bob := publisher{s.connect("acme", "bob")}
	ann := s.post(s.token("acme", "ann"), `{"type":"connect","subscriptions":[{"channel":"prices:fx"},{"channel":"prices:fx","sub":"1","fields":["bid"]},{"channel":"secret:**x"}]}`,
		`{"id":1,"type":"subscribe","channel":"news:eu"}`, `{"id":2,"type":"ping"}`, `{"id":3,"type":"nonsense"}`)
	if got := ann.resp.Header.Get("Content-Type"); ann.resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatal(ann.resp.Status, got)
	}
	has := map[string]wire.ServerFrame{}
	for len(has) < 7 {
		f, ok := ann.next()
		if !ok {
			t.Fatalf("ended after %v", has)
		}
		if f.Type != wire.TypeHeartbeat {
			has[string(f.Type)+" "+string(f.ID)+" "+f.Channel+" "+f.Sub] = f
		}
	}
	for _, want := range []string{"welcome   ", "ok  prices:fx ", "ok  prices:fx 1", "ok 1 news:eu ", "pong 2  ", "error 3  ", "error  secret:**x "} {
		if _, ok := has[want]; !ok {
			t.Errorf("no %q in %v", want, has)
		}
	}
	bob.publish("prices:fx", `"event":"e1","data":{"bid":1,"ask":2}`)
	at := ""
	for range 2 {
		f := ann.expect(`{"type":"message","channel":"prices:fx"}`)
		if want := map[string]string{"": `{"bid":1,"ask":2}`, "1": `{"bid":1}`}[f.Sub]; string(f.Data) != want {
			t.Errorf("subscription %q was sent %s", f.Sub, f.Data)
		}
		at = f.Position
	}
	_ = ann.resp.Body.Close()
	bob.publish("prices:fx", `"event":"e2","data":2`)
	back := s.post(s.token("acme", "ann"), `{"type":"connect","subscriptions":[{"channel":"prices:fx","since":"`+at+`"}]}`)
	back.expect(`{"type":"welcome"}`, `{"type":"ok","channel":"prices:fx","resumed":true}`)
	if f := back.expect(`{"type":"message"}`); string(f.Data) != "2" {
		t.Errorf("resumed with %s", f.Data)
	}
}

// Without a connect frame the request ends when it is answered. What is refused holds up what comes behind it, as on a socket.
func TestPostedPublishes(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Limits.PublishesPerSecond = 3
	s := start(t, gateway.Options{}, doc)
	reader := s.post(s.token("acme", "ann"), `{"type":"connect","subscriptions":[{"channel":"board:7"}]}`)
	reader.expect(`{"type":"welcome"}`, `{"type":"ok"}`)
	frames := make([]string, 0, 40)
	for i := range 40 {
		frame, err := json.Marshal(map[string]any{"id": i, "type": "publish", "channel": "board:7", "refusals": 0, "data": i})
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, string(frame))
	}
	p := s.post(s.token("acme", "bob"), frames...)
	taken, refused := 0, 0
	for f, ok := p.next(); ok; f, ok = p.next() {
		switch {
		case f.Type == wire.TypeOK && refused > 0:
			t.Fatalf("%+v was taken behind one that was refused", f)
		case f.Type == wire.TypeOK:
			taken++
		case f.Type == wire.TypeError && f.Refusals > 0:
			refused++
		}
	}
	if taken < 3 || taken+refused != 40 || p.closed != "" {
		t.Errorf("%d taken, %d refused, %s", taken, refused, p.closed)
	}
	for i := range taken {
		var got int
		if f := reader.expect(`{"type":"message"}`); json.Unmarshal(f.Data, &got) != nil || got != i {
			t.Fatalf("message %d is %s", i, f.Data)
		}
	}
}

// What cannot be had is refused by a status; a stream that the server ends says why.
func TestPostedFramesThatAreRefused(t *testing.T) { //nolint:tparallel // the last stream is of all
	t.Parallel()
	s := start(t, gateway.Options{})
	good := s.token("acme", "ann")
	for name, tt := range map[string]struct {
		token, body, want string
		status            int
	}{
		"no token":     {"nonsense", `{"type":"connect"}`, "unauthorized", http.StatusUnauthorized},
		"no frame":     {good, " \n\n", "1 to 256 frames", http.StatusBadRequest},
		"many frames":  {good, strings.Repeat("{}\n", 257), "got 257", http.StatusBadRequest},
		"large body":   {good, strings.Repeat(" ", 300<<10), "262144 bytes", http.StatusRequestEntityTooLarge},
		"large frame":  {good, `{"type":"call","data":"` + strings.Repeat("x", 100<<10) + `"}`, "messageBytes", http.StatusRequestEntityTooLarge},
		"no JSON":      {good, "hello", `{"code":4400,"reason":"bad-request"}`, http.StatusOK},
		"other token":  {good, `{"id":1,"type":"refresh","token":"x"}`, "must be in the header", http.StatusOK},
		"connect late": {good, "{\"type\":\"ping\"}\n{\"id\":1,\"type\":\"connect\"}", "must be the first", http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			resp := s.post(tt.token, tt.body).resp
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.status || !bytes.Contains(body, []byte(tt.want)) {
				t.Errorf("%s: %s, %v", resp.Status, body, err)
			}
		})
	}
	p := s.post(good, `{"type":"connect"}`)
	p.expect(`{"type":"welcome"}`)
	go func() { _ = s.gateway.Close(t.Context()) }()
	for _, ok := p.next(); ok; _, ok = p.next() {
	}
	if p.closed != `{"code":1012,"reason":"draining"}` {
		t.Errorf("closed with %s", p.closed)
	}
}

// Whoever sends a body that does not come counts as a connection meanwhile: nobody has the server wait for, and keep, more bodies than connections.
func TestPostedBodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	one := tenant("one")
	one.Limits.ConnectionsPerUser, one.Limits.ConnectsPerSecond = 1, 1000
	s := start(t, gateway.Options{}, one)
	token := s.token("one", "ann")
	body, sender := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/events", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	answered := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		answered <- err
	}()
	if _, err := sender.Write([]byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	until := func(connections int) {
		t.Helper()
		for end := time.Now().Add(patience); len(s.gateway.Hub().Connections("one")) != connections; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d connections, want %d", len(s.gateway.Hub().Connections("one")), connections)
			}
		}
	}
	until(1)
	if resp := s.post(token, `{"type":"ping"}`).resp; resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("another one: %s", resp.Status)
	}
	if err := sender.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	until(0)
}
