package state_test

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// client reads the state of a channel.
type client struct {
	channel.Client
	c      realtime.Channel
	reader *channel.Reader
	told   []string // what has become of keys
}

// plain is a protocol that says little.
type plain struct{ outbox.Encoder }

var nothing = outbox.Frame{Bytes: outbox.AppendFrameHeader(nil, 0x81, 0)}

func (plain) Name() string { return "plain" }

func (plain) Subscribed(string, realtime.Channel, outbox.Answer) outbox.Frame { return nothing }

func (plain) Refused(string, realtime.Channel, *realtime.Error) outbox.Frame { return nothing }

func (plain) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	text := p.Key + " " + string(p.Op)
	return outbox.Frame{Bytes: append(outbox.AppendFrameHeader(nil, 0x81, len(text)), text...)}, nil
}

func (plain) Entry(b []byte, _ *realtime.Publication) []byte { return append(b, '1') }

func (plain) Snapshot(realtime.Channel, *outbox.Snapshot) outbox.Frame { return nothing }

func (plain) Gap(realtime.Channel, realtime.Position) outbox.Frame { return nothing }

func (plain) Dropped(realtime.Channel, int) outbox.Frame { return nothing }

type conn struct{ w *world }

func (c conn) Tenant() *realtime.Tenant { return c.w.doc }

func (conn) Principal() *realtime.Principal { return &realtime.Principal{} }

type unwritten struct{}

func (unwritten) Flush() {}

func (unwritten) Written() int64 { return 0 }

// subscribe opens a client that reads the state of a channel.
func (w *world) subscribe(c realtime.Channel) { w.subscribeAs(c, nil, channel.Pace{State: true}) }

func (w *world) subscribeAs(c realtime.Channel, v *view.View, p channel.Pace) {
	r := &client{c: c}
	box := outbox.New(plain{}, &outbox.Limits{Messages: 1 << 20, Bytes: 1 << 30})
	r.Client = channel.Client{Conn: conn{w}, Box: box, Protocol: w.spoken}
	r.Schedule.Bind(w.share, unwritten{})
	box.ReplayFrom(func() { r.Refill(&w.fx.Given) })
	r.reader = channel.NewReader(&r.Client, c, v, p)
	w.reads = append(w.reads, r)
	w.states.Ask(&channel.Question{Request: channel.Request{Channel: c, State: true}, Reader: r.reader, Asked: time.Now()})
}

func (r *client) take() {
	if !r.Box.Begin() {
		return
	}
	for frames := r.Box.Next(nil, 1<<20); len(frames) > 0; frames = r.Box.Next(nil, 1<<20) {
		for _, f := range frames {
			if text := string(outbox.Frame{Bytes: f}.Payload()); text != "" {
				r.told = append(r.told, text)
			}
		}
	}
}

// leave ends one.
func (w *world) leave(i int) {
	r := w.reads[i]
	w.reads = slices.Delete(w.reads, i, i+1)
	w.locked(func() {
		if q := r.reader.Question(); q != nil {
			q.Withdraw()
		}
		r.reader.End()
	})
}

func (plain) Viewed(realtime.Channel, string) outbox.Frame { return nothing }
