package gateway_test

import (
	"net/http"
	"testing"

	"github.com/tidewire/tidewire/realtime/gateway"
)

func TestMessageReachesReaders(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	ann, bob := s.connect("acme", "ann"), s.connect("acme", "bob")
	for _, p := range []*peer{ann, bob} {
		p.send(`{"type":"subscribe","id":1,"channel":"prices:fx"}`)
		p.expect(`{"type":"ok","id":1,"channel":"prices:fx","resumed":false,"gap":false}`)
	}
	ann.send(`{"type":"publish","id":2,"channel":"prices:fx","key":"EURUSD","tags":{"desk":"spot"},"event":"e1","data":{ "bid" : 1.08 }}`)
	message := `{"type":"message","channel":"prices:fx","key":"EURUSD","data":{"bid":1.08}}`
	bob.expect(message)
	// The answer and the message come in either order.
	first, err := ann.next()
	if err != nil {
		t.Fatal(err)
	}
	second, err := ann.next()
	if err != nil {
		t.Fatal(err)
	}
	if first.Type == "ok" {
		first, second = second, first
	}
	if d := differs(first, message); d != "" {
		t.Error(d)
	}
	if d := differs(second, `{"type":"ok","id":2,"event":"e1"}`); d != "" {
		t.Error(d)
	}
}

func TestWaysToConnect(t *testing.T) {
	t.Parallel()
	docs := tenant("acme")
	docs.Auth.AllowQuery = true
	s := start(t, gateway.Options{}, docs)
	token := s.token("acme", "ann")
	for name, open := range map[string]func() *peer{
		"subprotocol": func() *peer { return s.dial(token) },
		"header":      func() *peer { return s.dialWith(http.Header{"Authorization": {"Bearer " + token}}, "") },
		"query":       func() *peer { return s.dialWith(nil, "?token="+token) },
		"first frame": func() *peer {
			p := s.dial("")
			p.send(`{"type":"connect","token":"` + token + `"}`)
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := open()
			f := p.expect(`{"type":"welcome","user":"ann","tenant":"acme","heartbeatMs":25000}`)
			if f.Connection == "" || f.Instance == "" || f.ExpiresAt == 0 || f.Limits.MessageBytes != 65536 {
				t.Errorf("welcome lacks something: %+v", f)
			}
			p.send(`{"type":"ping","id":"p"}`)
			p.expect(`{"type":"pong","id":"p"}`)
		})
	}
}

func TestConnectFrameResumesInOneRoundTrip(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	keeper := s.connect("acme", "keeper") // so that the topic is followed throughout
	keeper.send(`{"type":"subscribe","id":1,"channel":"prices:fx"}`)
	at := keeper.expect(`{"type":"ok","id":1}`).Position
	keeper.send(`{"type":"publish","id":2,"channel":"prices:fx","data":1}`, `{"type":"publish","id":3,"channel":"prices:fx","data":2}`)
	for range 4 {
		if _, err := keeper.next(); err != nil {
			t.Fatal(err)
		}
	}
	p := s.dial("")
	p.send(`{"type":"connect","id":7,"token":"` + s.token("acme", "ann") + `","subscriptions":[{"channel":"prices:fx","since":"` + at + `"},{"channel":"a::b"},{"channel":"prices:fx"}]}`)
	p.expect(`{"type":"welcome","id":7}`)
	seen := map[string]int{}
	for range 5 {
		f, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		seen[string(f.Type)+" "+f.Channel+" "+string(f.Code)+" "+string(f.Data)]++
		if f.Type == "ok" && (!f.Resumed || f.Gap) {
			t.Errorf("not resumed: %+v", f)
		}
	}
	for _, want := range []string{"ok prices:fx  ", "message prices:fx  1", "message prices:fx  2", "error a::b bad-request ", "error prices:fx conflict "} {
		if seen[want] != 1 {
			t.Errorf("%q came %d times; all: %v", want, seen[want], seen)
		}
	}
}

func TestConnectFrameAfterToken(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	p := s.connect("acme", "ann")
	p.send(`{"type":"connect","id":1,"subscriptions":[{"channel":"prices:fx"}]}`)
	p.expect(`{"type":"welcome","id":1,"user":"ann"}`, `{"type":"ok","channel":"prices:fx"}`)
	p.send(`{"type":"connect","id":2}`)
	p.expect(`{"type":"error","id":2,"code":"bad-request"}`)
}

func TestTwoTenantsOfOneChannelName(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	ours, theirs := s.connect("acme", "ann"), s.connect("globex", "ann")
	for _, p := range []*peer{ours, theirs} {
		p.send(`{"type":"subscribe","id":1,"channel":"prices:fx"}`)
		p.expect(`{"type":"ok","id":1}`)
	}
	ours.send(`{"type":"publish","id":2,"channel":"prices:fx","data":1}`)
	theirs.send(`{"type":"publish","id":2,"channel":"prices:fx","data":"theirs"}`)
	for range 2 {
		f, err := theirs.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == "message" && string(f.Data) != `"theirs"` {
			t.Fatalf("globex was given %+v", f)
		}
	}
	theirs.send(`{"type":"presence","id":3,"channel":"prices:fx"}`)
	theirs.expect(`{"type":"ok","id":3,"count":1}`)
}
