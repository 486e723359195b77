package realtimetest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// malformed: what somebody else has published to the topic, and what a store has spoilt, reaches no client and ends
// no connection: neither live nor when a client resumes. A driver may refuse to publish some of it.
func malformed(b *bed) {
	h := hub.New(b.other, hub.Options{
		Instance: "i1", Payload: wire.Compact, Placement: func(*realtime.Tenant) realtime.Topic { return b.topic },
	})
	b.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			b.Errorf("close the hub: %v", err)
		}
	})
	c := b.channel("acme", "prices:fx")
	live := b.look(h, c, realtime.Position{})
	b.publish(b.broker, b.topic, event(c, "first"))
	first := live.until("first")
	for what, m := range malformedMessages(c) {
		b.spoil(what, m)
	}
	b.publish(b.broker, b.topic, event(c, "last"))
	live.until("last")
	b.look(h, c, first).until("last")
}

// spoil publishes a message that a driver may as well refuse.
func (b *bed) spoil(what string, m *realtime.Message) {
	b.Helper()
	done := make(chan error, 1)
	b.broker.Publish(b.Context(), b.topic, m, func(err error) { done <- err })
	select {
	case err := <-done:
		b.Logf("%s: %v", what, err) // refused or taken, as the driver likes
	case <-time.After(b.harness.Patience):
		b.Fatalf("%s: done was not called within %v", what, b.harness.Patience)
	}
}

// long is an identifier that is too long.
var long = strings.Repeat("x", realtime.MaxIDBytes+1)

// malformedMessages are messages that no Publisher and no Hub makes.
func malformedMessages(c realtime.Channel) map[string]*realtime.Message {
	all := map[string]*realtime.Message{
		"no kind":      {Publication: realtime.Publication{Channel: c, ID: "m"}},
		"unknown kind": {Kind: 99, Publication: realtime.Publication{Channel: c, ID: "m"}},
	}
	event := func(what string, spoil func(*realtime.Message)) {
		m := &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: "m-" + what, Data: []byte("1")}}
		spoil(m)
		all["publication: "+what] = m
	}
	for what, data := range map[string]string{
		"text": "hello", "half": `{"a":`, "two values": "1 2", "behind": `{}"`, "not UTF-8": "\"\xff\"", "control": "\"\x00\"",
		"deep": strings.Repeat("[", 65) + strings.Repeat("]", 65), "frame": "1}\n\n{", "large": `"` + strings.Repeat("x", realtime.MaxMessageBytes) + `"`,
	} {
		event(what, func(m *realtime.Message) { m.Data = []byte(data) })
		all["direct: "+what] = &realtime.Message{
			Kind: realtime.KindDirect, Tenant: "acme", To: realtime.Target{User: "ann"}, Publication: realtime.Publication{ID: "d-" + what, Data: []byte(data)},
		}
	}
	event("no channel", func(m *realtime.Message) { m.Channel = realtime.Channel{} })
	event("no id", func(m *realtime.Message) { m.ID = "" })
	event("long id", func(m *realtime.Message) { m.ID = long })
	event("control in id", func(m *realtime.Message) { m.ID = "a\nb" })
	event("id not UTF-8", func(m *realtime.Message) { m.ID = "\xff" })
	event("long key", func(m *realtime.Message) { m.Key = long })
	event("control in key", func(m *realtime.Message) { m.Key = "\x1b[31m" })
	event("tag without a name", func(m *realtime.Message) { m.Tags = map[string]string{"": "x"} })
	event("long tag", func(m *realtime.Message) {
		m.Tags = map[string]string{"a": strings.Repeat("x", realtime.MaxTagBytes+1)}
	})
	event("many tags", func(m *realtime.Message) {
		m.Tags = map[string]string{}
		for i := range realtime.MaxTags + 1 {
			m.Tags[fmt.Sprint(i)] = "x"
		}
	})
	event("unknown operation", func(m *realtime.Message) { m.Op, m.Key, m.Data = "merge", "k", nil })
	event("deletion without a key", func(m *realtime.Message) { m.Op, m.Data = realtime.OpDelete, nil })
	event("deletion with data", func(m *realtime.Message) { m.Op, m.Key = realtime.OpDelete, "k" })
	event("clear of a key", func(m *realtime.Message) { m.Op, m.Key, m.Data = realtime.OpClear, "k", nil })
	event("ttl without a key", func(m *realtime.Message) { m.TTL = time.Minute })
	event("negative ttl", func(m *realtime.Message) { m.Key, m.TTL = "k", -time.Minute })
	event("long ttl", func(m *realtime.Message) { m.Key, m.TTL = "k", realtime.MaxTTL+1 })
	event("long event type", func(m *realtime.Message) { m.EventType = strings.Repeat("x", realtime.MaxTypeBytes+1) })
	event("control in source", func(m *realtime.Message) { m.Source = "a\x01b" })
	event("content type not UTF-8", func(m *realtime.Message) { m.ContentType = "\xff" })
	event("number without series", func(m *realtime.Message) { m.Number = 7 })
	event("series without number", func(m *realtime.Message) { m.Series = "s" })
	event("long series", func(m *realtime.Message) { m.Series, m.Number = long, 1 })
	event("previous in the future", func(m *realtime.Message) {
		m.Series, m.Number, m.Previous = "s", 2, time.Unix(0, math.MaxInt64)
	})
	event("long origin", func(m *realtime.Message) { m.Origin = long })
	for what, m := range malformedOthers(c) {
		all[what] = &m
	}
	return all
}

// malformedOthers are those that are no events.
func malformedOthers(c realtime.Channel) map[string]realtime.Message {
	return map[string]realtime.Message{
		"fence without channel":   {Kind: realtime.KindFence, Publication: realtime.Publication{ID: "f"}},
		"fence without id":        {Kind: realtime.KindFence, Publication: realtime.Publication{Channel: c}},
		"beacon without id":       {Kind: realtime.KindBeacon},
		"census of nobody":        {Kind: realtime.KindCensus, Publication: realtime.Publication{ID: "c", Data: []byte("{}")}},
		"census without a body":   {Kind: realtime.KindCensus, Origin: "i9", Publication: realtime.Publication{ID: "c"}},
		"pulse with a long id":    {Kind: realtime.KindPulse, Publication: realtime.Publication{ID: long}},
		"direct to nobody":        {Kind: realtime.KindDirect, Tenant: "acme", Publication: realtime.Publication{ID: "d", Data: []byte("1")}},
		"direct without tenant":   {Kind: realtime.KindDirect, To: realtime.Target{User: "ann"}, Publication: realtime.Publication{ID: "d", Data: []byte("1")}},
		"direct to two":           {Kind: realtime.KindDirect, Tenant: "acme", To: realtime.Target{User: "ann", Group: "desk"}, Publication: realtime.Publication{ID: "d", Data: []byte("1")}},
		"direct that deletes":     {Kind: realtime.KindDirect, Tenant: "acme", To: realtime.Target{User: "ann"}, Publication: realtime.Publication{ID: "d", Key: "k", Op: realtime.OpDelete}},
		"close without code":      {Kind: realtime.KindClose, Tenant: "acme", To: realtime.Target{User: "ann"}, Publication: realtime.Publication{ID: "x"}},
		"close with unknown code": {Kind: realtime.KindClose, Tenant: "acme", To: realtime.Target{User: "ann"}, Code: "bye\"", Publication: realtime.Publication{ID: "x"}},
		"close without id":        {Kind: realtime.KindClose, Tenant: "acme", To: realtime.Target{User: "ann"}, Code: realtime.CodeForbidden},
		"logout of the future": {
			Kind: realtime.KindClose, Tenant: "acme", To: realtime.Target{User: "ann"}, Code: realtime.CodeUnauthorized, Before: time.Unix(0, math.MaxInt64),
			Publication: realtime.Publication{ID: "x"},
		},
	}
}

// onlooker is a client that reads one channel and judges every frame.
type onlooker struct {
	*bed
	box  *outbox.Outbox
	came chan struct{} // holds one

	mu     sync.Mutex // guards what follows
	frames []wire.ServerFrame
	shut   *realtime.Error
}

// look connects a client of tenant acme and subscribes it to a channel.
func (b *bed) look(h *hub.Hub, c realtime.Channel, since realtime.Position) *onlooker {
	b.Helper()
	o := &onlooker{bed: b, box: outbox.New(wire.Encoder{}, &outbox.Limits{Messages: 1000, Bytes: 4 << 20}), came: make(chan struct{}, 1)}
	p := &realtime.Principal{
		Tenant: c.Tenant(), User: "ann", Groups: []string{"desk"}, Issued: time.Now(), Expires: time.Now().Add(time.Hour),
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
	}
	conn, err := h.Connect(&realtime.Tenant{ID: c.Tenant()}, p, o.box, o)
	if err != nil {
		b.Fatalf("connect: %v", err)
	}
	b.Cleanup(func() { h.Disconnect(conn) })
	if err := h.Subscribe(conn, hub.SubscribeRequest{ID: "1", Channel: c, Since: since}); err != nil {
		b.Fatalf("subscribe: %v", err)
	}
	if a := o.wait("its answer", func(f *wire.ServerFrame) bool { return f.Type == wire.TypeOK }); !since.IsZero() && !a.Resumed {
		b.Errorf("resume from %v: %+v", since, a)
	}
	return o
}

// Flush takes what waits.
func (o *onlooker) Flush() {
	for o.box.Begin() {
		for {
			frames := o.box.Next(nil, 1<<16)
			if len(frames) == 0 {
				break
			}
			o.take(frames)
		}
	}
}

func (o *onlooker) take(frames [][]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, frame := range frames {
		text := outbox.Frame{Bytes: frame}.Payload()
		f, err := wire.DecodeServer(text)
		if err != nil || strings.ContainsAny(string(text), "\r\n") {
			o.Errorf("a client was sent %.200q: %v", text, err)
			continue
		}
		o.frames = append(o.frames, f)
	}
	select {
	case o.came <- struct{}{}:
	default:
	}
}

// Beat answers true.
func (o *onlooker) Beat(time.Time) bool { return true }

// Shut is what must not happen.
func (o *onlooker) Shut(err *realtime.Error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shut = err
}

// until waits for a message and returns its Position. Before it there may be others, but none that is malformed.
func (o *onlooker) until(id string) realtime.Position {
	o.Helper()
	f := o.wait(id, func(f *wire.ServerFrame) bool { return f.Type == wire.TypeMessage && idOf(f) == id })
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.frames {
		switch f := &o.frames[i]; {
		case f.Type == wire.TypeMessage && idOf(f) != "first" && idOf(f) != "last", f.Type == wire.TypeDirect, f.Type == wire.TypeError:
			o.Errorf("a client was sent %+v", f)
		}
	}
	if o.shut != nil {
		o.Errorf("a client was closed: %v", o.shut)
	}
	at, err := realtime.ParsePosition(f.Position)
	if err != nil {
		o.Error(err)
	}
	return at
}

// idOf is the ID of a message frame.
func idOf(f *wire.ServerFrame) string {
	_, id, _ := strings.Cut(f.Position, "-")
	return id
}

// wait waits for a frame.
func (o *onlooker) wait(what string, is func(*wire.ServerFrame) bool) wire.ServerFrame {
	o.Helper()
	late := time.After(3 * o.harness.Patience)
	for {
		o.mu.Lock()
		for i := range o.frames {
			if is(&o.frames[i]) {
				defer o.mu.Unlock()
				return o.frames[i]
			}
		}
		o.mu.Unlock()
		select {
		case <-o.came:
		case <-late:
			o.Fatalf("%s did not come; there were %+v", what, o.frames)
		}
	}
}
