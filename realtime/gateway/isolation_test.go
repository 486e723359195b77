package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/tidewire/tidewire/realtime/gateway"
)

// forged are names with which a client of acme might reach for globex's channels.
var forged = []string{
	"prices:fx", "globex/prices:fx", "/globex/prices:fx", "../globex/prices:fx", "globex:prices:fx",
	"tw-globex/prices:fx", "tenants/globex/channels/prices:fx", "*", "**", "prices:*", "{user}", "prices:fx ",
	`prices:fx\u0000`, `globex\u0000prices:fx`, "prices:fx/", "PRICES:FX", `prices\u003afx`,
}

// A tenant sees nothing of another through any API and any name.
func TestTenantsAreIsolated(t *testing.T) {
	t.Parallel()
	docs := tenant("acme")
	docs.Limits.FramesPerSecond, docs.Limits.SubscribesPerSecond, docs.Limits.ConnectionsPerUser = 500, 500, 100
	s := start(t, gateway.Options{}, docs, tenant("globex"))
	theirs, reader := s.connect("globex", "ann"), s.connect("globex", "reader")
	for _, p := range []*peer{theirs, reader} {
		p.send(`{"type":"subscribe","id":1,"channel":"prices:fx"}`)
		p.expect(`{"type":"ok","id":1}`)
	}
	ours := s.connect("acme", "ann")
	var pages []*page
	for i, name := range forged {
		ours.send(fmt.Sprintf(`{"type":"subscribe","id":%d,"channel":"%s"}`, 100+i, name),
			fmt.Sprintf(`{"type":"presence","id":%d,"channel":"%s"}`, 200+i, name),
			fmt.Sprintf(`{"type":"publish","id":%d,"channel":"%s","data":"forged"}`, 300+i, name))
		resp := s.get("/v1/events?channel="+url.QueryEscape(name), http.Header{"Authorization": {"Bearer " + s.token("acme", "ann")}})
		if resp.StatusCode == http.StatusOK {
			pages = append(pages, readPage(t, resp))
		}
	}
	theirs.send(`{"type":"publish","id":2,"channel":"prices:fx","data":"secret"}`)
	theirs.take(2)

	// Ours has its own answers and forged messages; theirs must not be among them, nor their readers in a presence.
	ours.send(`{"type":"publish","id":1,"channel":"the:end","data":1}`)
	for done := false; !done; {
		f, err := ours.next()
		if err != nil {
			t.Fatal(err)
		}
		done = string(f.ID) == "1"
		if string(f.Data) == `"secret"` {
			t.Errorf("acme was given globex's %+v", f)
		}
		for _, m := range f.Members {
			if m.User == "reader" {
				t.Errorf("acme sees who reads globex's channel: %+v", f)
			}
		}
	}
	// And nothing that acme published has come to globex.
	reader.expect(`{"type":"message","data":"secret"}`)
	reader.send(`{"type":"ping","id":9}`)
	reader.expect(`{"type":"pong","id":9}`)
	theirs.send(`{"type":"presence","id":3,"channel":"prices:fx"}`)
	theirs.expect(`{"type":"ok","id":3,"count":2}`)

	if err := s.gateway.Close(t.Context()); err != nil { // so that the streams end
		t.Error(err)
	}
	for _, p := range pages {
		for e, ok := p.next(); ok; e, ok = p.next() {
			if string(e.frame.Data) == `"secret"` {
				t.Errorf("acme's page was given globex's %+v", e.frame)
			}
		}
	}
}

func TestPresence(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	ann, bob := s.connect("acme", "ann"), s.connect("acme", "bob")
	ann.send(`{"type":"subscribe","id":1,"channel":"board:7"}`)
	ann.expect(`{"type":"ok","id":1}`)
	ann.send(`{"type":"presence","id":2,"channel":"board:7"}`)
	if f := ann.expect(`{"type":"ok","id":2,"channel":"board:7","count":1}`); len(f.Members) != 1 || f.Members[0].User != "ann" {
		t.Errorf("present are %+v", f.Members)
	}
	bob.send(`{"type":"subscribe","id":1,"channel":"board:7"}`)
	bob.expect(`{"type":"ok","id":1}`)
	if f := ann.expect(`{"type":"presence","channel":"board:7","count":2}`); len(f.Joined) != 1 || f.Joined[0].User != "bob" {
		t.Errorf("joined: %+v", f)
	}
	_ = bob.ws.Close()
	if f := ann.expect(`{"type":"presence","channel":"board:7","count":1}`); len(f.Left.Members) != 1 || f.Left.Members[0].User != "bob" {
		t.Errorf("left: %+v", f)
	}
	ann.send(`{"type":"presence","id":3,"channel":"board:7","watch":false}`)
	ann.expect(`{"type":"ok","id":3,"count":1}`)
}
