package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestPublishAndTail has one terminal publish, and a second and a plain WebSocket
// client see it, and another tenant's nothing.
func TestPublishAndTail(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	token, foreign := c.everything("acme"), c.everything("globex")
	tail := c.start("tail", "--json", "--url", dev.URL, "--token", token, "news:today")
	stranger := c.start("tail", "--json", "--url", dev.URL, "--token", foreign, "news:today")
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(dev.URL, "http")+"/v1/socket", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","id":1,"channel":"news:today"}`)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // welcome, ok
		if _, _, err := ws.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	publish := func(tenant, token, in string, args ...string) (string, int) {
		all := append([]string{"publish", "--url", dev.URL, "--tenant", tenant, "--token", token, "--channel", "news:today"}, args...)
		_, errors, code := c.call(in, all...)
		return errors, code
	}
	lines := "{\"data\":1,\"key\":\"own\"}\n\n{\"data\":{\"n\":2}}\n"
	for _, call := range []struct {
		in   string
		args []string
	}{
		{"", []string{"--key", "k", "--tag", "a=b", `{"n": 0}`}},
		{"", []string{"no JSON"}},
		{"", []string{"--key", "k", "--ttl", "90s", "--event-type", "t", "--source", "s", "1"}},
		{"", []string{"--key", "k", "--delete"}},
		{"", []string{"--key", "k", "--delete", "--event-type", "gone", "--socket"}},
		{"{\"key\":\"own\",\"delete\":true}\n", []string{"--ttl", "90s", "--source", "given", "-"}},
		{lines, []string{"--key", "given", "-"}},
	} {
		if errors, code := publish("acme", token, call.in, call.args...); code != 0 {
			t.Fatalf("publish %v: %d, %s", call.args, code, errors)
		}
	}
	want := []string{`"key":"k"|"tags":{"a":"b"}|"data":{"n":0}`, `"data":"no JSON"`,
		`"key":"k"|"expiresAt":|"eventType":"t"|"source":"s"|"data":1`, `"key":"k"|"deleted":true`, `"key":"k"|"eventType":"gone"|"deleted":true`, `"key":"own"|"source":"given"|"deleted":true`,
		`"key":"own"|"data":1`, `"key":"given"|"data":{"n":2}`}
	for i, parts := range want {
		_, frame, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(parts, "|") {
			if !strings.Contains(string(frame), part) {
				t.Errorf("event %d: %s has no %s", i, frame, part)
			}
		}
	}
	more := func(tenant, token string) func() {
		return func() {
			if errors, code := publish(tenant, token, "", `"of `+tenant+`"`); code != 0 {
				t.Fatalf("%d, %s", code, errors)
			}
		}
	}
	if line := tail.lineAfter(more("acme", token)); strings.Contains(line, "globex") {
		t.Errorf("tail saw %s", line)
	}
	if line := stranger.lineAfter(more("globex", foreign)); !strings.Contains(line, "of globex") {
		t.Errorf("the other tenant saw %s", line)
	}
}

func TestTailResumes(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	token := c.everything("acme")
	publish := func(data string) {
		if _, errors, code := c.call("", "publish", "--url", dev.URL, "--tenant", "acme", "--token", token, "--channel", "news:today", data); code != 0 {
			t.Fatalf("%d, %s", code, errors)
		}
	}
	tail := c.start("tail", "--json", "--url", dev.URL, "--token", token, "news:today")
	var first struct{ Position string }
	if err := json.Unmarshal([]byte(tail.lineAfter(func() { publish("1") })), &first); err != nil || first.Position == "" {
		t.Fatalf("%v, %+v", err, first)
	}
	tail.stop()
	publish(`"missed"`)
	again := c.start("tail", "--url", dev.URL, "--token", token, "--since", first.Position, "news:today")
	for line := again.line(); !strings.HasSuffix(line, ` news:today - "missed"`); line = again.line() {
		if !strings.HasSuffix(line, " news:today - 1") {
			t.Fatalf("after its position it had %s", line)
		}
	}
	if said := again.errors.String(); strings.Contains(said, "gap") || !strings.Contains(said, "nothing was missed") {
		t.Errorf("it says %s", said)
	}
}

// lineAfter returns the first line, which may take more than one call of make: nobody
// says when a tail has begun to read.
func (b *background) lineAfter(make func()) string {
	b.t.Helper()
	for range 200 {
		make()
		select {
		case line := <-b.lines:
			return line
		case <-time.After(50 * time.Millisecond):
		}
	}
	b.t.Fatalf("no line came: %s", b.errors)
	return ""
}

func TestPublishRefusals(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	token := c.everything("acme")
	down := httptest.NewServer(nil)
	down.Close()
	for name, tc := range map[string]struct {
		url, token, in string
		args           []string
		code           int
		saying         string
	}{
		"bad line":         {dev.URL, token, "{\"data\":1}\n{\"data\":2}\nnot json\n", []string{"-"}, exitRefused, "line 3"},
		"unknown field":    {dev.URL, token, "{\"dat\":1}\n", []string{"-"}, exitRefused, "line 1"},
		"another's tenant": {dev.URL, c.everything("globex"), "", []string{"1"}, exitRefused, "token"},
		"no token":         {dev.URL, "x", "", []string{"1"}, exitRefused, "token"},
		"no grant":         {dev.URL, c.token("acme", "--publish", "other:*"), "", []string{"1"}, exitRefused, "grant"},
		"server down":      {down.URL, token, "", []string{"1"}, exitUnavailable, ""},
		"short ttl":        {dev.URL, token, "", []string{"--key", "k", "--ttl", "9ms", "1"}, exitUsage, "--ttl: must be between 1s and 744h, got 9ms"},
		"ttl of nothing":   {dev.URL, token, "", []string{"--ttl", "9s", "1"}, exitUsage, "--ttl: needs --key"},
		"delete nothing":   {dev.URL, token, "", []string{"--delete"}, exitUsage, "--delete: needs --key"},
		"delete with DATA": {dev.URL, token, "", []string{"--key", "k", "--delete", "1"}, exitUsage, "--delete: takes neither"},
		"bad tag":          {dev.URL, token, "", []string{"--tag", "x", "1"}, exitUsage, "--tag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"publish", "--url", tc.url, "--tenant", "acme", "--token", tc.token, "--channel", "news:today"}, tc.args...)
			_, errors, code := c.call(tc.in, args...)
			if code != tc.code || !strings.Contains(errors, tc.saying) {
				t.Errorf("%d, %s; want %d and %q", code, errors, tc.code, tc.saying)
			}
		})
	}
}

func TestTailRefusals(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dev := c.plain()
	for name, token := range map[string]string{"no grant": c.token("acme", "--subscribe", "other:*"), "no token": "x"} {
		_, errors, code := c.call("", "tail", "--url", dev.URL, "--token", token, "news:today")
		if code != exitRefused {
			t.Errorf("%s: %d, %s", name, code, errors)
		}
	}
}

// TestPublishComesBackWhenItIsTold is a server that is over a limit once, and then takes the same
// event, with the same id.
func TestPublishComesBackWhenItIsTold(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	ids := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var events []struct{ ID string }
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil || len(events) != 1 {
			t.Errorf("%v, %v", events, err)
		}
		ids <- events[0].ID
		if calls.Add(1) == 1 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"code":"limited","detail":"over it","retryAfterMs":10}`))
			return
		}
		_, _ = w.Write([]byte(`{"accepted":1,"results":[{"id":"x"}]}`))
	}))
	t.Cleanup(server.Close)
	_, errors, code := newConsole(t).call("", "publish", "--url", server.URL, "--tenant", "acme", "--token", "x", "--channel", "c", "1")
	if code != 0 || calls.Load() != 2 {
		t.Fatalf("%d after %d calls, %s", code, calls.Load(), errors)
	}
	if first, second := <-ids, <-ids; first != second || first == "" {
		t.Errorf("sent as %q and then as %q", first, second)
	}
}
