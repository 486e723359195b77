package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// says waits until a command has said something on standard error.
func (b *background) says(text string) {
	b.t.Helper()
	for deadline := time.Now().Add(patient); !strings.Contains(b.errors.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("it does not say %q but %s", text, b.errors)
		}
	}
}

// tail says when it is connected and reads; from then on nothing is missed. It shows what is sent to its user.
func TestTailSaysWhenItReads(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	c.environment = environment{url: dev.URL, token: c.token("acme", "--subscribe", "**", "--publish", "**", "--manage", "publish")}
	tail, raw := c.start("tail", "news:today", "news:old"), c.start("tail", "--json", "news:today")
	for _, b := range []*background{tail, raw} {
		b.says("tidewire: connected to " + dev.URL + " as ann of acme\n")
		b.says("tidewire: reading news:today\n")
	}
	tail.says("tidewire: reading news:old\n")
	if _, errors, code := c.call("", "publish", "--tenant", "acme", "--channel", "news:today", "hello"); code != 0 {
		t.Fatal(errors)
	}
	if line := tail.line(); !strings.HasSuffix(line, ` news:today - "hello"`) {
		t.Errorf("after it was published once, the line is %s", line)
	}
	raw.line()
	if status := post(t, dev.URL+"/v1/tenants/acme/users/ann/send", c.environment.token, `{"key":"ticket:7","data":{"by":"bob"}}`); status >= 300 {
		t.Fatalf("send: %d", status)
	}
	if line := tail.line(); !strings.HasSuffix(line, ` (direct) ticket:7 {"by":"bob"}`) {
		t.Errorf("the direct message is %s", line)
	}
	var frame struct{ Type, Key string }
	if line := raw.line(); json.Unmarshal([]byte(line), &frame) != nil || frame.Type != "direct" || frame.Key != "ticket:7" {
		t.Errorf("the direct frame is %s", line)
	}
}

func post(t *testing.T, url, token, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// A token of a tenant that the gateway does not have cannot work, now or later.
func TestTailOfNoTenant(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	file := c.file(strings.ReplaceAll(twoTenants, "acme", "initech"))
	c.environment = environment{url: dev.URL, token: c.token("initech", "--tenants", file, "--subscribe", "**")}
	out, said, code := c.call("", "tail", "news:today")
	if code != exitRefused && code != exitUnavailable || out != "" || strings.Contains(said, "reading") {
		t.Errorf("%d, %q, %s", code, out, said)
	}
}

const (
	greeting = `{"type":"welcome","connection":"c","user":"ann","tenant":"acme","instance":"i","heartbeatMs":25000}`
	reading  = `{"type":"ok","channel":"news:today","resumed":false,"gap":false,"position":"1-"}`
)

// script is a gateway that answers the nth connection as its nth entry says: an HTTP status, or frames and a close code.
type script []connection

type connection struct {
	status int
	frames []string
	close  int // 0 leaves it open, -1 cuts it
}

func (s script) start(t *testing.T) (url string, tries *atomic.Int32) {
	t.Helper()
	tries = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := s[min(int(tries.Add(1)), len(s))-1]
		if now.status != 0 {
			w.WriteHeader(now.status)
			return
		}
		conn, err := (&websocket.Upgrader{Subprotocols: []string{"tidewire.v1.json"}}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
		for _, f := range now.frames {
			if conn.WriteMessage(websocket.TextMessage, []byte(f)) != nil {
				return
			}
		}
		if now.close > 0 {
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(now.close, "why"), time.Now().Add(time.Second))
		}
		if now.close >= 0 {
			_, _, _ = conn.ReadMessage() // until the client is gone
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, tries
}

// tail gives up on what cannot work, with an exit code that says what it was.
func TestTailGivesUp(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(nil)
	down.Close()
	for name, tt := range map[string]struct {
		script script
		url    string // instead of the script
		code   int
		saying string
		tries  int32
	}{
		"nobody listens":      {nil, down.URL, exitUnavailable, "giving up on " + down.URL + " after 4 tries", 0},
		"no such host":        {nil, "http://nowhere.invalid", exitUnavailable, "after 4 tries", 0},
		"not a gateway":       {script{{status: 404}}, "", exitRefused, "no gateway answers there", 1},
		"a page":              {script{{status: 200}}, "", exitRefused, "no gateway answers there", 1},
		"forbidden by IAM":    {script{{status: 403}}, "", exitRefused, "no gateway answers there", 1},
		"a proxy's 502":       {script{{status: 502}}, "", exitUnavailable, "after 4 tries", 4},
		"a bad token":         {script{{frames: []string{`{"type":"error","code":"unauthorized","message":"the token is not good"}`}, close: 4401}}, "", exitRefused, "the token is not good", 1},
		"an expired token":    {script{{frames: []string{greeting, reading, `{"type":"error","code":"expired","message":"the token has ended"}`}, close: 4401}}, "", exitRefused, "the token has ended", 1},
		"suspended":           {script{{frames: []string{`{"type":"error","code":"suspended","message":"suspended"}`}, close: 4403}}, "", exitRefused, "suspended", 1},
		"a close code alone":  {script{{frames: []string{greeting}, close: 4401}}, "", exitRefused, "closed", 1},
		"a channel forbidden": {script{{frames: []string{greeting, `{"type":"error","code":"forbidden","message":"no grant","channel":"news:today"}`}}}, "", exitRefused, "news:today: no grant", 1},
		"none was taken":      {script{{frames: []string{greeting, `{"type":"error","code":"bad-request","message":"subscriptions[0]: no"}`}}}, "", exitRefused, "subscriptions[0]: no", 1},
		"too many channels":   {script{{frames: []string{greeting, `{"type":"error","code":"limited","message":"over it","limit":"subscriptionsPerConnection"}`}}}, "", exitUnavailable, "news:today: over it", 1},
		"always draining":     {script{{frames: []string{`{"type":"error","code":"draining","message":"going away"}`}, close: 1012}}, "", exitUnavailable, "going away", 4},
		"nothing but a cut":   {script{{close: -1}}, "", exitUnavailable, "the connection was lost", 4},
		"no frames":           {script{{frames: []string{"hello"}}}, "", exitUnavailable, "the server sent something that is not a frame", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries *atomic.Int32
			if tt.url == "" {
				tt.url, tries = tt.script.start(t)
			}
			c := newConsole(t)
			c.environment = environment{url: tt.url, token: "h.secret.s"}
			out, said, code := c.call("", "tail", "news:today")
			last := said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:]
			if code != tt.code || !strings.Contains(last, tt.saying) || out != "" {
				t.Errorf("%d, %q, %s; want %d and %q", code, out, said, tt.code, tt.saying)
			}
			if tries != nil && tries.Load() != tt.tries {
				t.Errorf("%d connections, want %d", tries.Load(), tt.tries)
			}
			if strings.Contains(said, "secret") {
				t.Errorf("the token is told: %s", said)
			}
		})
	}
}

// Once it has read, tail comes back as often as it takes, and says so.
func TestTailComesBack(t *testing.T) {
	t.Parallel()
	cut := connection{frames: []string{greeting, reading}, close: -1}
	missed := `{"type":"ok","channel":"news:today","resumed":false,"gap":true,"position":"9-"}`
	url, _ := script{cut, {status: 502}, cut, cut, {frames: []string{greeting, missed, `{"type":"notice","code":"dropped","channel":"news:today","count":3}`, `{"type":"notice","code":"later"}`}}}.start(t)
	c := newConsole(t)
	c.environment = environment{url: url, token: "x"}
	b := c.start("tail", "news:today")
	b.says("the connection was lost")
	b.says("reconnecting in ")
	b.says("reading news:today; gap: something was missed before 9-")
	b.says("dropped: 3 messages of news:today")
	if strings.Count(b.errors.String(), "connected to") != 4 || strings.Contains(b.errors.String(), "later") {
		t.Errorf("it said %s", b.errors)
	}
}

// A name that no channel can have needs no server.
func TestTailRefusesNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "news:a*", "a b", "a::b", strings.Repeat("x", 201), "{user}"} {
		c := newConsole(t)
		c.environment = environment{url: "http://127.0.0.1:1", token: "x"}
		if _, errors, code := c.call("", "tail", "ok", name); code != exitUsage || !strings.Contains(errors, "CHANNEL") {
			t.Errorf("%q: %d, %s", name, code, errors)
		}
	}
}

// full is a disk that is.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

// Output that nobody takes ends it.
func TestTailWithoutAReader(t *testing.T) {
	t.Parallel()
	message := `{"type":"message","channel":"news:today","position":"2-x","time":2,"data":1}`
	url, tries := script{{frames: []string{greeting, reading, message}}}.start(t)
	var said bytes.Buffer
	code := run(t.Context(), std{out: full{}, err: &said, state: t.TempDir(), environment: environment{url: url, token: "x"}}, []string{"tail", "news:today"})
	if code != exitFailed || tries.Load() != 1 || !strings.Contains(said.String(), os.ErrClosed.Error()) {
		t.Errorf("%d after %d connections, %s", code, tries.Load(), said.String())
	}
}
