package sse

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Each kind of event, as a client reads it, and where the stream then stands.
func TestEvents(t *testing.T) {
	t.Parallel()
	var e Encoder
	names := channels(t, "prices:fx", "alerts:ann")
	at := func(id string) realtime.Position { return realtime.Position{Time: 1_767_225_600_123, ID: id} }
	message := func(id string) outbox.Frame {
		f, _ := e.Message(&realtime.Publication{Channel: names[0], ID: id, Key: "k", Data: []byte(`{"position":"1-x"}`), Time: time.UnixMilli(at("").Time)})
		return f
	}
	subscription := realtime.Right{Action: realtime.ActionSubscribe, Channel: names[0]}
	watch := realtime.Right{Action: realtime.ActionPresence, Channel: names[0]}
	for name, c := range map[string]struct {
		frame outbox.Frame
		want  string // behind the id
		at    realtime.Position
		ends  bool
	}{
		"message":          {message("e1"), `data: {"type":"message","channel":"prices:fx","position":"1767225600123-e1","key":"k","time":1767225600123,"data":{"position":"1-x"}}`, at("e1"), false},
		"message, escapes": {message(`e "1" \ ü`), `data: {"type":"message","channel":"prices:fx","position":"1767225600123-e \"1\" \\ ü","key":"k","time":1767225600123,"data":{"position":"1-x"}}`, at(`e "1" \ ü`), false},
		"message, no ID":   {message(""), `data: {"type":"message","channel":"prices:fx","position":"1767225600123-","key":"k","time":1767225600123,"data":{"position":"1-x"}}`, at(""), false},
		"ok":               {e.Subscribed("", names[0], outbox.Answer{Position: at("e2")}), "event: ok\ndata: " + json(wire.Encoder{}.Subscribed("", names[0], outbox.Answer{Position: at("e2")})), at("e2"), false},
		"gap":              {e.Gap(names[0], at("e3")), "event: notice\ndata: " + json(wire.Encoder{}.Gap(names[0], at("e3"))), at("e3"), false},
		"dropped":          {e.Dropped(names[0], 3), "event: notice\ndata: " + json(wire.Encoder{}.Dropped(names[0], 3)), realtime.Position{}, false},
		"direct":           {e.Direct(&realtime.Publication{ID: "e4"}), "event: direct\ndata: " + json(wire.Encoder{}.Direct(&realtime.Publication{ID: "e4"})), realtime.Position{}, false},
		"presence":         {e.Presence(names[0], &outbox.Presence{Count: 3}), "event: presence\ndata: " + json(wire.Encoder{}.Presence(names[0], &outbox.Presence{Count: 3})), realtime.Position{}, false},
		"move":             {e.Move(17), "event: move\ndata: " + json(wire.Encoder{}.Move(17)), realtime.Position{}, false},
		"welcome":          {e.Welcome(wire.Session{}), "event: welcome\ndata: " + json(wire.Encoder{}.Welcome("", wire.Session{})), realtime.Position{}, false},
		"still heartbeat":  {e.Heartbeat(realtime.Position{}), "event: heartbeat\ndata: " + json(wire.Encoder{}.Heartbeat(realtime.Position{})), realtime.Position{}, false},
		"ended":            {e.Ended(subscription, realtime.Errorf(realtime.CodeForbidden, "no")), "event: closing\nid: stopped\ndata: " + json(wire.Encoder{}.Ended(subscription, realtime.Errorf(realtime.CodeForbidden, "no"))), realtime.Position{}, true},
		"watch ended":      {e.Ended(watch, nil), "event: notice\ndata: " + json(wire.Encoder{}.Ended(watch, nil)), realtime.Position{}, false},
		"refused":          {e.Refused("", names[0], realtime.Errorf(realtime.CodeUnavailable, "no")), "event: closing\ndata: " + json(wire.Encoder{}.Refused("", names[0], realtime.Errorf(realtime.CodeUnavailable, "no"))), realtime.Position{}, true},
		"not carried":      {e.NotCarried("a b", realtime.Errorf(realtime.CodeBadRequest, "no")), "event: refused\ndata: " + json(wire.Encoder{}.Error("", "a b", realtime.Errorf(realtime.CodeBadRequest, "no"))), realtime.Position{}, false},
		"closing": {e.Closing(&realtime.Error{Code: realtime.CodeDraining, RetryAfter: 1499*time.Millisecond + 1}),
			"event: closing\nretry: 1500\ndata: " + json(wire.Encoder{}.Closing(&realtime.Error{Code: realtime.CodeDraining, RetryAfter: 1500 * time.Millisecond})), realtime.Position{}, true},
	} {
		s := NewStream(names)
		var out bytes.Buffer
		if ends := s.Append(&out, c.frame.Bytes); ends != c.ends {
			t.Errorf("%s: ends %t", name, ends)
		}
		want := c.want + "\n\n"
		if !c.at.IsZero() {
			want = "id: " + s.String() + "\n" + want
		}
		if got := out.String(); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		if s.Since(0) != c.at || !s.Since(1).IsZero() {
			t.Errorf("%s: stands at %v and %v", name, s.Since(0), s.Since(1))
		}
	}
}

func json(f outbox.Frame) string { return string(f.Payload()) }

// asOf vouches for every channel: one that begins before it is not vouched for by it.
func TestAsOf(t *testing.T) {
	t.Parallel()
	names := channels(t, "prices:fx", "alerts:ann")
	s := NewStream(names)
	var out bytes.Buffer
	for _, ms := range []int64{1_767_225_600_123, 1_767_225_600_000} { // it does not go back
		s.Append(&out, Encoder{}.Heartbeat(realtime.Position{Time: ms}).Bytes)
		if s.AsOf() != 1_767_225_600_123 {
			t.Errorf("asOf is %d", s.AsOf())
		}
	}
	if n := strings.Count(out.String(), "id: "); n != 1 {
		t.Errorf("%d ids of one move", n)
	}
	early := realtime.Position{Time: s.AsOf() - 5000}
	s.Append(&out, Encoder{}.Subscribed("", names[1], outbox.Answer{Position: early}).Bytes)
	if s.AsOf() != early.Time {
		t.Errorf("asOf stayed at %d", s.AsOf())
	}
}

// A record keeps the data of a message as a part of its event.
func TestMessageHoldsItsData(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{"bid":1}`, `"` + strings.Repeat("x", 70_000) + `"`} {
		p := &realtime.Publication{Channel: channels(t, "prices:fx")[0], ID: `"\`, Data: []byte(data)} // its escapes make it longer than was thought
		f, part := Encoder{}.Message(p)
		if string(part) != data || &part[0] != &f.Bytes[len(f.Bytes)-len("}\n\n")-len(data)] {
			t.Errorf("got %.50q", part)
		}
	}
}

func TestMessageAllocatesOnce(t *testing.T) {
	p := &realtime.Publication{Channel: channels(t, "prices:fx")[0], ID: "e1", Key: "EURUSD", Time: time.UnixMilli(1_767_225_600_123), Data: []byte(`{"bid":1.08412}`)}
	if n := testing.AllocsPerRun(100, func() { Encoder{}.Message(p) }); n != 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}
