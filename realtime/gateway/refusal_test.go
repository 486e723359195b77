package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A page cannot see an HTTP status, so every refusal is an error frame and a close code.
func TestRefusedHandshakes(t *testing.T) {
	t.Parallel()
	closed := tenant("closed")
	closed.Suspended = true
	picky := tenant("picky")
	picky.Origins = []string{"https://app.example.com"}
	s := start(t, gateway.Options{}, tenant("acme"), tenant("globex"), closed, picky)
	forged := func(id, of string) string {
		doc := tenant(of)
		doc.ID = id
		signer, err := auth.NewSigner(doc)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign(auth.Claims{User: "eve", Grants: everything(), Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := s.token("acme", "ann")
	tampered := good[:len(good)-4] + map[bool]string{true: "AAAA", false: "BBBB"}[!strings.HasSuffix(good, "AAAA")]
	for name, c := range map[string]struct {
		token  string
		header http.Header
		code   int
		want   string
	}{
		"nonsense":       {token: "a.b.c", code: 4401, want: `{"code":"unauthorized","message":"the token is not valid"}`},
		"tampered":       {token: tampered, code: 4401, want: `{"code":"unauthorized","message":"the token is not valid"}`},
		"unknown tenant": {token: forged("nobody", "acme"), code: 4401, want: `{"code":"unauthorized","message":"the token is not valid"}`},
		"another's key":  {token: forged("globex", "acme"), code: 4401, want: `{"code":"unauthorized","message":"the token is not valid"}`},
		"suspended":      {token: forged("closed", "closed"), code: 4403, want: `{"code":"suspended"}`},
		"origin":         {header: http.Header{"Authorization": {"Bearer " + forged("picky", "picky")}, "Origin": {"https://evil.example.com"}}, code: 4403, want: `{"code":"forbidden"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p *peer
			if c.header != nil {
				p = s.dialWith(c.header, "")
			} else {
				p = s.dial(c.token)
			}
			if d := differs(p.closed(c.code), c.want); d != "" {
				t.Errorf("want %s: %s", c.want, d)
			}
			if c.header != nil {
				return
			}
			p = s.dial("")
			p.send(`{"type":"connect","id":1,"token":"` + c.token + `"}`)
			if d := differs(p.closed(c.code), c.want); d != "" {
				t.Errorf("in the first frame, want %s: %s", c.want, d)
			}
		})
	}
}

func TestFirstFrames(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{FirstFrame: 300 * time.Millisecond})
	for name, c := range map[string]struct {
		frame string
		code  int
	}{
		"nothing":         {"", 4408},
		"ping":            {`{"type":"ping"}`, 4401},
		"subscribe":       {`{"type":"subscribe","id":1,"channel":"a:1"}`, 4401},
		"without a token": {`{"type":"connect","id":1}`, 4401},
		"no frame":        {`hello`, 4400},
		"too large":       {`{"type":"connect","token":"` + strings.Repeat("x", 70_000) + `"}`, 4413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.dial("")
			if c.frame != "" {
				p.send(c.frame)
			}
			if f := p.closed(c.code); f.Type != "error" || f.Message == "" {
				t.Errorf("it was not told why: %+v", f)
			}
		})
	}
}

func TestExpiryAndRefresh(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	fewer := func(c *auth.Claims) {
		c.Grants.Subscribe = []realtime.Pattern{"prices:*"}
		c.Expires = time.Now().Add(3 * time.Hour)
	}

	stays, goes := s.connect("acme", "ann"), s.connectBriefly("acme", "bob")
	stays.send(`{"type":"subscribe","id":1,"channel":"prices:fx"}`, `{"type":"subscribe","id":2,"channel":"board:7"}`)
	answers := stays.take(2)
	if answers["1"].Type != wire.TypeOK || answers["2"].Type != wire.TypeOK {
		t.Fatalf("answered %+v", answers)
	}
	stays.send(`{"type":"refresh","id":3,"token":"` + s.token("acme", "bob") + `"}`)
	stays.expect(`{"type":"error","id":3,"code":"forbidden"}`)
	stays.send(`{"type":"refresh","id":4,"token":"` + s.token("globex", "ann") + `"}`)
	stays.expect(`{"type":"error","id":4,"code":"forbidden"}`)
	stays.send(`{"type":"refresh","id":5,"token":"` + s.token("acme", "ann", fewer) + `"}`)
	stays.expect(`{"type":"error","channel":"board:7","code":"forbidden"}`)
	if f := stays.expect(`{"type":"ok","id":5}`); f.ExpiresAt < time.Now().Add(2*time.Hour).UnixMilli() {
		t.Errorf("renewed until %d", f.ExpiresAt)
	}
	if f := goes.closed(4401); f.Code != realtime.CodeExpired {
		t.Errorf("told %+v", f)
	}
	stays.send(`{"type":"publish","id":6,"channel":"board:7","data":1}`, `{"type":"ping","id":7}`)
	answers = stays.take(2)
	if answers["7"].Type != wire.TypePong || answers["6"].Type != wire.TypeOK {
		t.Errorf("answered %+v", answers)
	}
}
