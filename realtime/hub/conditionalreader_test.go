package hub_test

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// conditionReader believes what it is told.
type conditionReader struct {
	w       *conditionWorld
	channel realtime.Channel
	state   bool
	hub     *hub.Hub
	page    *page
	screen  map[string]string
	whole   bool
	since   realtime.Position
}

func (r *conditionReader) connect(h *hub.Hub) {
	r.disconnect()
	p := &page{t: r.w.t, box: outbox.New(wire.Encoder{}, nil)}
	all := []realtime.Pattern{"**"}
	c, err := h.Connect(r.w.tenant, &realtime.Principal{Tenant: "acme", User: "r", Expires: time.Now().Add(24 * time.Hour), Grants: realtime.Grants{Subscribe: all}}, p.box, p)
	if err != nil {
		return
	}
	p.conn, r.hub, r.page = c, h, p
	if err := h.Subscribe(c, hub.SubscribeRequest{ID: "1", Channel: r.channel, Since: r.since, State: r.state}); err != nil {
		r.w.t.Error(err)
	}
}

func (r *conditionReader) disconnect() {
	if r.page != nil {
		r.judge()
		r.hub.Disconnect(r.page.conn)
		r.page = nil
	}
}

// judge reads what has come.
func (r *conditionReader) judge() {
	if r.page == nil {
		return
	}
	c := &r.w.counts
	for _, f := range r.page.take() {
		at, err := realtime.ParsePosition(f.Position)
		if err != nil {
			r.w.t.Error(err)
		}
		switch {
		case f.Type == "ok" && f.Resumed:
			c.resumed++
		case f.Type == "ok" && f.Gap, f.Type == "notice" && f.Code == "gap":
			c.gaps++
		case f.Type == "ok" && !f.Resumed:
			r.screen, r.whole = map[string]string{}, false
		case f.Type == "snapshot":
			if f.Reset {
				c.resets++
				r.screen, r.whole = map[string]string{}, false
			}
			for _, e := range f.Entries {
				p, _ := realtime.ParsePosition(e.Position)
				r.shown(p.ID)
				r.screen[e.Key] = p.ID
			}
			r.whole = r.whole || !f.More
		case f.Type == "message":
			r.message(&f, at.ID)
		}
		if !at.IsZero() && (!r.state || r.whole) {
			r.since = at
		}
	}
	if r.page.ended() != nil {
		r.hub.Disconnect(r.page.conn)
		r.page = nil
	}
}

func (r *conditionReader) message(f *wire.ServerFrame, id string) {
	if r.screen == nil {
		r.screen = map[string]string{}
	}
	switch {
	case f.Cleared:
		r.screen = map[string]string{}
	case f.Expired:
		delete(r.screen, f.Key)
	case f.Deleted:
		delete(r.screen, f.Key)
		r.shown(id)
	default:
		r.screen[f.Key] = id
		r.shown(id)
	}
}

// shown fails the test if a reader is shown a loser.
func (r *conditionReader) shown(id string) {
	r.w.counts.read++
	if won, is := r.w.truth.outcome(id); is && !won {
		r.w.t.Errorf("%s: a reader (state %v) was shown %s, which has lost\n%s", r.channel.Name(), r.state, id, r.w.truth.story(id))
	}
}
