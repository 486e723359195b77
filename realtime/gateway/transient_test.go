package gateway_test

import (
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// A cursor is shown to those who read the state and to who comes later, is in no history, and goes with its connection. What cannot be transient is refused.
func TestTransient(t *testing.T) {
	t.Parallel()
	doc := stateful()
	doc.Namespaces["cursors"] = realtime.Namespace{State: &realtime.State{Transient: true}}
	s := startViews(t, doc)
	ann, bob, plain := s.connect("acme", "ann"), s.connect("acme", "bob"), s.connect("acme", "ann")
	ann.send(`{"type":"subscribe","id":1,"channel":"cursors:7","state":true}`)
	ann.expect(`{"type":"ok","id":1,"maxRate":20}`, `{"type":"snapshot","more":false}`)
	plain.send(`{"type":"subscribe","id":1,"channel":"cursors:7"}`)
	plain.expect(`{"type":"ok","id":1}`)

	bob.send(`{"type":"publish","id":1,"channel":"cursors:7","key":"$connection","transient":true,"data":{"x":1}}`)
	bob.expect(`{"type":"ok","id":1}`)
	shown := ann.expect(`{"type":"message","channel":"cursors:7"}`)
	if shown.Key == "" || shown.Key == realtime.ConnectionKey || shown.ExpiresAt != shown.Time+realtime.TransientTTL.Milliseconds() {
		t.Errorf("%+v", shown)
	}
	carl := s.connect("acme", "carl")
	carl.send(`{"type":"subscribe","id":1,"channel":"cursors:7","state":true}`)
	carl.expect(`{"type":"ok","id":1,"state":{"keys":1}}`)
	if f := carl.expect(`{"type":"snapshot","more":false}`); len(f.Entries) != 1 || f.Entries[0].Key != shown.Key || string(f.Entries[0].Data) != `{"x":1}` {
		t.Errorf("%+v", f.Entries)
	}
	bob.send(`{"type":"publish","id":2,"channel":"cursors:7","data":"an event"}`)
	bob.expect(`{"type":"ok","id":2}`)
	if f := plain.expect(`{"type":"message"}`); f.Key != "" {
		t.Errorf("a reader of events was given %+v", f)
	}
	plain.send(`{"type":"history","id":2,"channel":"cursors:7"}`)
	if f := plain.expect(`{"type":"ok","id":2}`); len(f.Messages) != 1 || f.Messages[0].Key != "" {
		t.Errorf("the history has %+v", f.Messages)
	}

	for _, wrong := range []string{
		`"channel":"fleet:eu","key":"v1","transient":true`, `"channel":"cursors:7","transient":true`, `"channel":"cursors:7","key":"k","ttl":"31s"`,
		`"channel":"cursors:7","key":"k","event":"e","if":"absent"`, `"channel":"cursors:7","key":"k","transient":1`,
	} {
		bob.send(`{"type":"publish","id":3,` + wrong + `,"data":1}`)
		bob.expect(`{"type":"error","id":3,"code":"bad-request"}`)
	}
	if err := bob.ws.Close(); err != nil {
		t.Fatal(err)
	}
	ann.expect(`{"type":"message","data":"an event"}`)
	ann.expect(`{"type":"message","channel":"cursors:7","key":"` + shown.Key + `","deleted":true}`)
}
