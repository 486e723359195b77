package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
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

// What docs/protocol.md says of subscriptions that are wrong: each costs itself alone and the others are taken, whether the token came
// in the handshake, in the frame, or with a request for events.
func TestMalformedSubscriptionsOfConnect(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 201)
	for name, c := range map[string]struct {
		subscription, query string // query is empty where a request for events cannot say it
		channel             string // that the error names
		code                realtime.Code
	}{
		"no object":      {`"b"`, "", "", realtime.CodeBadRequest},
		"null":           {`null`, "", "", realtime.CodeBadRequest},
		"no channel":     {`{"since":"1-"}`, "", "", realtime.CodeBadRequest},
		"empty":          {`{"channel":""}`, "channel=", "", realtime.CodeBadRequest},
		"a number":       {`{"channel":7}`, "", "", realtime.CodeBadRequest},
		"reserved":       {`{"channel":"b","filter":"x"}`, "", "b", realtime.CodeBadRequest},
		"a member twice": {`{"channel":"b","since":"1-","since":"2-"}`, "", "b", realtime.CodeBadRequest},
		"white space":    {`{"channel":"a b"}`, "channel=a%20b", "a b", realtime.CodeBadRequest},
		"empty segment":  {`{"channel":"a::b"}`, "channel=a::b", "a::b", realtime.CodeBadRequest},
		"too long":       {`{"channel":"` + long + `"}`, "channel=" + long, "", realtime.CodeBadRequest},
		"twice":          {`{"channel":"first"}`, "channel=first", "first", realtime.CodeConflict},
		"no grant":       {`{"channel":"secret:1"}`, "channel=secret:1", "secret:1", realtime.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, gateway.Options{})
			token := s.token("acme", "ann", func(c *auth.Claims) {
				c.Grants.Subscribe = []realtime.Pattern{"first", "last", "a:**", "b"}
			})
			verdict := func(how string, answers []wire.ServerFrame) {
				t.Helper()
				read := 0
				for _, f := range answers {
					switch {
					case f.Type == wire.TypeOK && (f.Channel == "first" || f.Channel == "last"):
						read++
					case f.Type != wire.TypeError || f.Code != c.code || f.Channel != c.channel || f.ID != "":
						t.Errorf("%s: told %+v", how, f)
					}
				}
				if read != 2 || len(answers) != 3 {
					t.Errorf("%s: %+v", how, answers)
				}
			}
			frame := `{"type":"connect","id":1,"subscriptions":[{"channel":"first"},` + c.subscription + `,{"channel":"last"}]`
			three := func(p *peer) (answers []wire.ServerFrame) {
				for range 3 {
					answers = append(answers, p.expect(`{}`))
				}
				p.send(`{"type":"ping"}`)
				p.expect(`{"type":"pong"}`) // and the connection goes on
				return answers
			}
			p := s.dial("")
			p.send(frame + `,"token":"` + token + `"}`)
			p.expect(`{"type":"welcome","id":1}`)
			verdict("token in the frame", three(p))
			p = s.dial(token)
			p.expect(`{"type":"welcome"}`)
			p.send(frame + `}`)
			p.expect(`{"type":"welcome","id":1}`)
			verdict("token in the handshake", three(p))
			if c.query == "" {
				return
			}
			events := readPage(t, s.get("/v1/events?channel=first&"+c.query+"&channel=last", http.Header{"Authorization": {"Bearer " + token}}))
			if e, _ := events.next(); e.retry == "" {
				t.Errorf("no retry hint: %+v", e)
			}
			events.expect("welcome", `{}`)
			var answers []wire.ServerFrame
			for range 3 {
				e, _ := events.next()
				if (e.frame.Type == wire.TypeError) != (e.name == "refused") {
					t.Errorf("%+v", e)
				}
				answers = append(answers, e.frame)
			}
			verdict("events", answers)
		})
	}
}

// What is no list of subscriptions at all costs them, and not the connection.
func TestSubscriptionsAreNoArray(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	for _, subscriptions := range []string{`{"channel":"a"}`, `null`, `"a"`, `7`} {
		frame := `{"type":"connect","id":1,"subscriptions":` + subscriptions
		unknown := s.dial("")
		unknown.send(frame + `,"token":"` + s.token("acme", "ann") + `"}`)
		known := s.connect("acme", "ann")
		known.send(frame + `}`)
		for _, p := range []*peer{unknown, known} {
			p.expect(`{"type":"welcome","id":1}`, `{"type":"error","code":"bad-request","message":"subscriptions: must be an array of objects"}`)
			p.send(`{"type":"ping"}`)
			p.expect(`{"type":"pong"}`)
		}
	}
}

// A name that no channel can have spoils itself alone.
func TestBadNamesInConnect(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
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
