package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// What is merely wrong is answered, and the connection goes on.
func TestBadFramesAreAnswered(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Limits.FramesPerSecond = 1000
	s := start(t, gateway.Options{}, doc)
	p := s.connect("acme", "ann", func(c *auth.Claims) {
		few := []realtime.Pattern{"prices:*"}
		c.Grants = realtime.Grants{Subscribe: few, Publish: few}
	})
	p.send(`{"type":"ping"}`)
	p.expect(`{"type":"pong"}`)
	p.send(`{"type":"subscribe","id":0,"channel":"prices:fx"}`)
	p.expect(`{"type":"ok","id":0}`)
	for name, c := range map[string]struct{ frame, want string }{
		"no type":               {`{"id":1}`, `{"id":1,"code":"bad-request"}`},
		"unknown type":          {`{"type":"explode","id":1}`, `{"id":1,"code":"bad-request"}`},
		"a server's type":       {`{"type":"welcome","id":"x"}`, `{"id":"x","code":"bad-request"}`},
		"type of wrong type":    {`{"type":7,"id":1}`, `{"id":1,"code":"bad-request"}`},
		"no id":                 {`{"type":"subscribe","channel":"prices:a"}`, `{"code":"bad-request"}`},
		"id of wrong type":      {`{"type":"subscribe","id":{},"channel":"prices:a"}`, `{"code":"bad-request"}`},
		"channel of wrong type": {`{"type":"subscribe","id":1,"channel":7}`, `{"id":1,"code":"bad-request"}`},
		"empty channel":         {`{"type":"subscribe","id":1,"channel":""}`, `{"id":1,"code":"bad-request"}`},
		"empty segment":         {`{"type":"subscribe","id":1,"channel":"a::b"}`, `{"id":1,"code":"bad-request","channel":"a::b"}`},
		"control character":     {`{"type":"subscribe","id":1,"channel":"prices:\u0000"}`, `{"id":1,"code":"bad-request"}`},
		"long channel":          {`{"type":"subscribe","id":1,"channel":"` + strings.Repeat("a", 9000) + `"}`, `{"id":1,"code":"bad-request"}`},
		"member twice":          {`{"type":"subscribe","id":1,"channel":"prices:a","channel":"prices:b"}`, `{"id":1,"code":"bad-request"}`},
		"not served":            {`{"type":"subscribe","id":1,"channel":"prices:a","filter":"tags.a == 'b'"}`, `{"id":1,"code":"bad-request"}`},
		"subscribed already":    {`{"type":"subscribe","id":1,"channel":"prices:fx"}`, `{"id":1,"code":"conflict","channel":"prices:fx"}`},
		"no grant to subscribe": {`{"type":"subscribe","id":1,"channel":"board:7"}`, `{"id":1,"code":"forbidden","channel":"board:7"}`},
		"a pattern":             {`{"type":"subscribe","id":1,"channel":"prices:**:x"}`, `{"id":1,"code":"bad-request"}`},
		"not subscribed":        {`{"type":"unsubscribe","id":1,"channel":"prices:a"}`, `{"id":1,"code":"not-found"}`},
		"no grant to publish":   {`{"type":"publish","id":1,"channel":"board:7","data":1}`, `{"id":1,"code":"forbidden"}`},
		"no data":               {`{"type":"publish","id":1,"channel":"prices:a"}`, `{"id":1,"code":"bad-request"}`},
		"a long key":            {`{"type":"publish","id":1,"channel":"prices:a","data":1,"key":"` + strings.Repeat("k", 300) + `"}`, `{"id":1,"code":"bad-request"}`},
		"tags of wrong type":    {`{"type":"publish","id":1,"channel":"prices:a","data":1,"tags":{"a":1}}`, `{"id":1,"code":"bad-request"}`},
		"no grant for presence": {`{"type":"presence","id":1,"channel":"prices:a"}`, `{"id":1,"code":"forbidden"}`},
		"no hooks":              {`{"type":"call","id":1,"route":"orders.place"}`, `{"id":1,"code":"not-found"}`},
		"a bad token":           {`{"type":"refresh","id":1,"token":"nonsense"}`, `{"id":1,"code":"unauthorized"}`},
		"connect too late":      {`{"type":"connect","id":1}`, `{"id":1,"code":"bad-request"}`},
	} {
		p.send(c.frame)
		f, err := p.next()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := differs(f, c.want); d != "" || f.Type != "error" || f.Message == "" {
			t.Errorf("%s: want %s: %s", name, c.want, d)
		}
	}
	p.send(`{"type":"unsubscribe","id":2,"channel":"prices:fx"}`)
	p.expect(`{"type":"ok","id":2,"channel":"prices:fx"}`)
}

// What is no frame ends the connection, and nobody else's.
func TestWhatIsNoFrameCloses(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	other := s.connect("acme", "other")
	for name, c := range map[string]struct {
		kind    int
		payload string
		code    int
	}{
		"truncated":     {websocket.TextMessage, `{"type":"ping"`, 4400},
		"empty":         {websocket.TextMessage, ``, 4400},
		"no object":     {websocket.TextMessage, `["ping"]`, 4400},
		"something on":  {websocket.TextMessage, `{"type":"ping"} x`, 4400},
		"nested":        {websocket.TextMessage, `{"type":"call","id":1,"route":"r","data":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`, 4400},
		"nested, open":  {websocket.TextMessage, strings.Repeat(`{"a":`, 10000), 4400},
		"huge":          {websocket.TextMessage, `{"type":"ping","x":"` + strings.Repeat("x", 70_000) + `"}`, 4413},
		"binary":        {websocket.BinaryMessage, `{"type":"ping"}`, 1003},
		"not UTF-8":     {websocket.TextMessage, "{\"type\":\"ping\",\"x\":\"\xff\"}", 1007},
		"10,000 in one": {websocket.TextMessage, `{"type":"connect","subscriptions":[` + strings.Repeat(`{"channel":"a:1"},`, 9999) + `{"channel":"a:1"}]}`, 4413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.connect("acme", "ann-"+strings.ReplaceAll(strings.ReplaceAll(name, ",", ""), " ", "-"))
			if err := p.ws.WriteMessage(c.kind, []byte(c.payload)); err != nil {
				t.Fatal(err)
			}
			p.closed(c.code)
		})
	}
	other.send(`{"type":"ping","id":1}`)
	other.expect(`{"type":"pong","id":1}`)
}

func TestTooManySubscriptions(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	many := make([]string, 2500)
	for i := range many {
		many[i] = fmt.Sprintf(`{"channel":"a:%d"}`, i)
	}
	p := s.connect("acme", "ann")
	p.send(`{"type":"connect","id":1,"subscriptions":[` + strings.Join(many, ",") + `]}`)
	p.expect(`{"type":"welcome","id":1}`, `{"type":"error","code":"limited","limit":"subscriptionsPerConnection"}`)

	// One by one: as many as there may be.
	doc := tenant("acme")
	doc.Limits.SubscriptionsPerConnection = 3
	s = start(t, gateway.Options{}, doc)
	p = s.connect("acme", "ann")
	for i := range 3 {
		p.send(fmt.Sprintf(`{"type":"subscribe","id":%d,"channel":"a:%d"}`, i, i))
		p.expect(fmt.Sprintf(`{"type":"ok","id":%d}`, i))
	}
	p.send(`{"type":"subscribe","id":9,"channel":"a:9"}`)
	p.expect(`{"type":"error","id":9,"code":"limited","limit":"subscriptionsPerConnection"}`)
}

func TestFloodOfSubscribesIsClosed(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	other := s.connect("acme", "other")
	p := s.connect("acme", "ann")
	go func() {
		for i := range 10_000 {
			if p.ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"subscribe","id":%d,"channel":"a:%d"}`, i, i)) != nil {
				return // closed, as it should be
			}
		}
	}()
	if last := p.closed(4429); last.Code != realtime.CodeLimited || last.RetryAfterMs == 0 {
		t.Errorf("the last frame is %+v", last)
	}
	other.send(`{"type":"subscribe","id":1,"channel":"a:1"}`)
	other.expect(`{"type":"ok","id":1}`)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Limits = realtime.Limits{ConnectionsPerUser: 2, PublishesPerSecond: 1, SubscribesPerSecond: 1, MessageBytes: 1000}
	s := start(t, gateway.Options{}, doc)
	p := s.connect("acme", "ann")
	for i := range 2 { // a bucket holds two seconds' worth
		p.send(fmt.Sprintf(`{"type":"publish","id":%d,"channel":"a:1","data":1}`, i))
		p.expect(fmt.Sprintf(`{"type":"ok","id":%d}`, i))
		p.send(fmt.Sprintf(`{"type":"subscribe","id":%d,"channel":"b:%d"}`, i, i))
		p.expect(fmt.Sprintf(`{"type":"ok","id":%d}`, i))
	}
	p.send(`{"type":"publish","id":8,"channel":"a:1","data":1}`)
	if f := p.expect(`{"type":"error","id":8,"code":"limited","limit":"publishesPerSecond"}`); f.RetryAfterMs == 0 {
		t.Error("it does not say when to come back")
	}
	p.send(`{"type":"subscribe","id":9,"channel":"b:9"}`)
	p.expect(`{"type":"error","id":9,"code":"limited","limit":"subscribesPerSecond"}`)

	second := s.connect("acme", "ann")
	third := s.dial(s.token("acme", "ann"))
	if f := third.closed(4429); f.Limit != "connectionsPerUser" || f.RetryAfterMs == 0 {
		t.Errorf("the third connection was refused by %+v", f)
	}
	if s.counts.of(realtime.CountRefusals, "connectionsPerUser") != 1 {
		t.Error("the refusal was not counted")
	}
	_ = second.ws.Close()

	p.send(`{"type":"ping","x":"` + strings.Repeat("x", 1000) + `"}`)
	if f := p.closed(4413); f.Code != realtime.CodeTooLarge {
		t.Errorf("the last frame is %+v", f)
	}
}
