package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// What docs/protocol.md says of a first frame's size: a client without a token in its handshake has 64 KiB, whatever the
// tenant's limits, which nobody knows yet; with one, messageBytes holds from the beginning.
func TestFirstFrameMayBe64KiB(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Limits.MessageBytes = 1024
	s := start(t, gateway.Options{}, doc)
	padded := func(frame string, size int) string {
		return frame[:len(frame)-1] + `,"padding":"` + strings.Repeat("x", size-len(frame)-len(`,"padding":""`)) + `"}`
	}
	hello := `{"type":"connect","id":1,"token":"` + s.token("acme", "ann") + `"}`
	most := s.dial("")
	most.send(padded(hello, 64<<10))
	most.expect(`{"type":"welcome","id":1}`)
	most.send(padded(`{"type":"ping"}`, 1024))
	most.expect(`{"type":"pong"}`)
	most.send(padded(`{"type":"ping"}`, 1025))
	most.closed(4413)
	more := s.dial("")
	more.send(padded(hello, 64<<10+1))
	more.closed(4413)
	known := s.connect("acme", "ann")
	known.send(padded(`{"type":"connect","id":1}`, 1025))
	known.closed(4413)
}

// What docs/protocol.md says of subscriptions that are malformed: those that are no subscriptions at all spoil their
// frame, and a name that no channel can have spoils itself alone.
func TestMalformedSubscriptionsOfConnect(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	for name, subscriptions := range map[string]string{
		"no array": `{"channel":"a"}`, "null": `null`, "no object": `[{"channel":"a"},"b"]`, "no channel": `[{"channel":"a"},{"since":"1-"}]`,
		"empty channel": `[{"channel":"a"},{"channel":""}]`, "a number": `[{"channel":"a"},{"channel":7}]`, "reserved": `[{"channel":"a"},{"channel":"b","filter":"x"}]`,
		"a member twice": `[{"channel":"a"},{"channel":"b","channel":"c"}]`,
	} {
		frame := `{"type":"connect","id":1,"subscriptions":` + subscriptions
		unknown := s.dial("")
		unknown.send(frame + `,"token":"` + s.token("acme", "ann") + `"}`)
		if f := unknown.closed(4400); f.Type != "error" || f.Code != realtime.CodeBadRequest || f.Connection != "" {
			t.Errorf("%s, in the frame with the token: told %+v", name, f)
		}
		known := s.connect("acme", "ann")
		known.send(frame+`}`, `{"type":"unsubscribe","id":2,"channel":"a"}`)
		if f := known.expect(`{"type":"error","id":1,"code":"bad-request"}`); f.Channel != "" || !strings.HasPrefix(f.Message, "subscriptions") {
			t.Errorf("%s: told %+v", name, f)
		}
		known.expect(`{"type":"error","id":2,"code":"not-found"}`) // a was not taken, and the connection goes on
	}
	known := s.connect("acme", "ann")
	known.send(`{"type":"connect","id":1,"subscriptions":[{"channel":"a b"},{"channel":"a"},{"channel":"a"},{"channel":"` + strings.Repeat("x", 201) + `"},{"channel":"b"}]}`)
	known.expect(`{"type":"welcome","id":1}`)
	for range 5 {
		f := known.expect(`{}`)
		switch f.Channel {
		case "a b":
			if f.Code != realtime.CodeBadRequest {
				t.Errorf("a b: %+v", f)
			}
		case "a":
			if f.Type != "ok" && f.Code != realtime.CodeConflict {
				t.Errorf("a: %+v", f)
			}
		case "b":
			if f.Type != "ok" {
				t.Errorf("b: %+v", f)
			}
		default: // the name is too long to be repeated
			if f.Type != "error" || f.Code != realtime.CodeBadRequest || f.Channel != "" || len(f.ID) != 0 {
				t.Errorf("the long name: %+v", f)
			}
		}
	}
}

// What docs/protocol.md says of presence after a reconnect: a watch ends with its connection.
func TestPresenceEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	bob := s.connect("acme", "bob")
	bob.send(`{"type":"subscribe","id":1,"channel":"board:7"}`)
	bob.expect(`{"type":"ok","id":1}`)
	watch := `{"type":"presence","id":1,"channel":"board:7"}`
	first, other := s.connect("acme", "ann"), s.connect("acme", "olga")
	for _, p := range []*peer{first, other} {
		p.send(watch)
		p.expect(`{"type":"ok","id":1,"channel":"board:7","count":1}`)
	}
	_ = first.ws.Close()
	again := s.connect("acme", "ann")
	eve := s.connect("acme", "eve")
	eve.send(`{"type":"subscribe","id":1,"channel":"board:7"}`)
	eve.expect(`{"type":"ok","id":1}`)
	other.expect(`{"type":"presence","channel":"board:7","count":2}`)
	again.send(`{"type":"unsubscribe","id":2,"channel":"board:7"}`)
	again.expect(`{"type":"error","id":2}`) // and nothing of eve before
	again.send(watch)
	if f := again.expect(`{"type":"ok","id":1,"count":2}`); len(f.Members) != 2 {
		t.Errorf("the answer names %v", f.Members)
	}
}

// What docs/protocol.md says of move: until the client closes the first socket, both are connections like any other. Each
// answers what was asked on it; both bring messages and direct events; neither is closed for the move.
func TestBothSocketsOfAMoveServe(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{Lifetime: 300 * time.Millisecond})
	first := s.connect("acme", "ann")
	first.send(`{"type":"subscribe","id":1,"channel":"news:today"}`)
	from := first.expect(`{"type":"ok","id":1}`).Position
	if f := first.expect(`{"type":"move"}`); f.AfterMs < 0 || f.AfterMs > 5000 {
		t.Errorf("asked to move after %d ms", f.AfterMs)
	}
	second := s.dial("")
	second.send(`{"type":"connect","token":"` + s.token("acme", "ann") + `","subscriptions":[{"channel":"news:today","since":"` + from + `"}]}`)
	second.expect(`{"type":"welcome","user":"ann"}`, `{"type":"ok","channel":"news:today","resumed":true}`)
	for n, asked := range []*peer{first, second} {
		asked.send(fmt.Sprintf(`{"type":"publish","id":%d,"channel":"news:today","event":"e%d","data":%d}`, 10+n, n, n))
		seen := map[string]bool{}
		for !seen["ok"] || !seen["message"] { // in any order
			f, err := asked.next()
			if err != nil {
				t.Fatal(err)
			}
			if f.Type != "move" { // the second one lives no longer
				seen[string(f.Type)] = true
			}
		}
		silent := []*peer{second, first}[n]
		if f, err := silent.next(); err != nil || f.Type == "ok" || f.Type == "error" {
			t.Errorf("the other socket was answered %+v, %v", f, err)
		}
	}
	doc, err := s.tenants.Tenant(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.gateway.Publisher().SendDirect(t.Context(), doc, realtime.Target{User: "ann"}, &realtime.Publication{ID: "d1", Data: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*peer{first, second} {
		for f := p.expect(`{}`); f.Type != "direct"; f = p.expect(`{}`) {
		}
	}
	first.send(`{"type":"ping","id":9}`)
	for f := first.expect(`{}`); f.Type != "pong"; f = first.expect(`{}`) {
	}
}

// What docs/protocol.md says of the clock of tokens: expiresAt is exp by the server's clock, without a margin; iat may be
// ahead of it by 30 s.
func TestClockOfRefresh(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	p := s.connect("acme", "ann")
	made := func(issued, expires time.Duration) func(*auth.Claims) {
		return func(c *auth.Claims) {
			c.Issued, c.Expires = time.Now().Add(issued), time.Now().Add(expires).Truncate(time.Second)
		}
	}
	for n, c := range []struct {
		name            string
		issued, expires time.Duration
		code            realtime.Code // empty is taken
	}{
		{"made now", 0, time.Hour, ""},
		{"made by a clock that is ahead", 20 * time.Second, 2 * time.Hour, ""},
		{"made by one that is far ahead", 90 * time.Second, 3 * time.Hour, realtime.CodeUnauthorized},
		{"ended a moment ago", -time.Hour, -time.Second, realtime.CodeExpired},
	} {
		token := s.token("acme", "ann", made(c.issued, c.expires))
		p.send(fmt.Sprintf(`{"type":"refresh","id":%d,"token":%q}`, n, token))
		f := p.expect(fmt.Sprintf(`{"id":%d}`, n))
		if f.Code != c.code {
			t.Errorf("%s: answered %+v", c.name, f)
		}
		if c.code == "" && (f.ExpiresAt%1000 != 0 || time.Until(time.UnixMilli(f.ExpiresAt)) > c.expires || time.Until(time.UnixMilli(f.ExpiresAt)) < c.expires-time.Minute) {
			t.Errorf("%s: expiresAt %d is not its exp", c.name, f.ExpiresAt)
		}
	}
}
