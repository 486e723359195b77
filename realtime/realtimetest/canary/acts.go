package canary

import (
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/realtime/realtimetest/canary/capture"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/frames"
)

// stock returns the acts that every server that has their features is tried with. The first one is what a viewer begins with.
func stock() []Act {
	streams, posts := func(f Features) bool { return f.Stream }, func(f Features) bool { return f.Posts }
	return []Act{
		{Name: "live", Do: live},
		{Name: "resume", Do: func(v *Viewer) error { return resume(v, v.told.token) }},
		{Name: "resume with other rights", Do: func(v *Viewer) error { return resume(v, v.rights()) }},
		{Name: "replay", Do: replay},
		{Name: "forbidden", Do: forbidden},
		{Name: "refresh", Do: refresh},
		{Name: "wildcard", Needs: func(f Features) bool { return f.Wildcards }, Do: wildcard},
		{Name: "wildcard resumed", Needs: func(f Features) bool { return f.Patterns }, Do: resumeWildcard},
		{Name: "stream", Needs: streams, Do: func(v *Viewer) error { return askStream(v, false) }},
		{Name: "stream resumed", Needs: streams, Do: resumeStream},
		{Name: "frames in a request", Needs: posts, Do: func(v *Viewer) error { return askStream(v, true) }},
		{Name: "frames in a request without grants", Needs: posts, Do: postForbidden},
	}
}

// rights returns rights of a token at random.
func (v *Viewer) rights() Rights {
	r := Rights{Channels: []string{"fleet:all"}}
	if v.rng.IntN(2) == 0 {
		r.Channels = append(r.Channels, "fleet:"+v.User)
	}
	f := v.world.server.Features
	if f.Filters {
		r.Clients = v.some(clients(), Shared)
	}
	if f.Columns {
		r.Columns = v.some([]string{Hidden, Deep}, Shown)
	}
	r.Demand = f.Demand && v.rng.IntN(2) == 0
	return r
}

// some returns some of a list at random, or nil, which is all, and what is always one of them.
func (v *Viewer) some(list []string, always string) []string {
	if v.rng.IntN(4) == 0 {
		return nil
	}
	return append(slices.DeleteFunc(slices.Clone(list), func(string) bool { return v.rng.IntN(2) == 0 }), always)
}

// connect opens a socket with rights, and begins anew.
func (v *Viewer) connect(r Rights) error {
	token, err := tokenOf(v, r)
	if err != nil {
		return err
	}
	v.leave()
	v.tell(func(t *told) {
		t.token, t.own, t.conflates, t.paused, t.wild, t.state = r, Rights{}, false, false, false, nil
	})
	v.streams = nil
	s, err := capture.DialSocket(v.world.ctx, v.world.server.URL, token)
	if err != nil {
		return err
	}
	v.attach(s.Tap, s, nil)
	_, err = v.conn.await(v.world.options.Patience, "welcome", 0, func(f Frame) bool { return f.Type == "welcome" })
	return err
}

// attach has a connection read, whose client shows something before the first frame has come.
func (v *Viewer) attach(tap *capture.Tap, by protocol, shown *frames.Screen) {
	v.conn = open(tap, by, v.world.find, v.told.view(), frames.On(shown))
	v.conn.acts = slices.Clone(v.done)
}

// forget makes it read nothing.
func (v *Viewer) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.told.reads)
	clear(v.due)
}

// subscribe subscribes to a channel with options, and expects what is published from the answer on.
func (v *Viewer) subscribe(channel string, options map[string]any) (Frame, error) {
	frame := map[string]any{"type": "subscribe", "channel": channel}
	for name, value := range options {
		frame[name] = value
	}
	published := v.world.published()
	answer, err := v.Call(frame)
	if err != nil {
		return answer, err
	}
	v.tell(func(t *told) {
		t.reads[channel] = answer.Position
		if _, ok := t.begins[channel]; !ok && options["since"] == nil {
			t.begins[channel] = begin{answer.Position, published}
		}
	})
	return answer, nil
}

func (w *World) published() int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return len(w.log)
}

// live connects and reads what the token grants, or a part of it.
func live(v *Viewer) error {
	v.forget()
	r := v.rights()
	if err := v.connect(r); err != nil {
		return err
	}
	for _, channel := range r.Channels {
		if channel != "fleet:all" && v.rng.IntN(3) == 0 {
			continue
		}
		if _, err := v.subscribe(channel, nil); err != nil {
			return err
		}
	}
	return nil
}

// forbidden asks for channels that it has no grant for.
func forbidden(v *Viewer) error {
	all := channels()
	if v.world.server.Features.Wildcards {
		all = append(all, AllChannels)
	}
	for _, channel := range all {
		if v.streams != nil || within(v.told.token.Channels, channel) {
			continue
		}
		f, err := v.Ask(map[string]any{"type": "subscribe", "channel": channel})
		if err != nil {
			return err
		}
		if f.Type != "error" || f.Code != "forbidden" {
			return fmt.Errorf("a subscription without a grant is answered %s", f.Raw)
		}
	}
	return nil
}

// wildcard reads all channels by one subscription, with a token that grants them all.
func wildcard(v *Viewer) error {
	v.forget()
	r := v.rights()
	r.Channels = nil
	if err := v.connect(r); err != nil {
		return err
	}
	if _, err := v.Call(map[string]any{"type": "subscribe", "channel": AllChannels}); err != nil {
		return err
	}
	v.tell(func(t *told) { t.all(nil) })
	return nil
}

// intrude reads all channels of another tenant that have the names of those that are published to.
func intrude(v *Viewer) error {
	token, err := v.world.server.Stranger()
	if err != nil {
		return err
	}
	v.tell(func(t *told) { t.token = Rights{Channels: []string{}} }) // it is to see nothing
	s, err := capture.DialSocket(v.world.ctx, v.world.server.URL, token)
	if err != nil {
		return err
	}
	v.attach(s.Tap, s, nil)
	for _, channel := range channels() {
		if _, err := v.Call(map[string]any{"type": "subscribe", "channel": channel}); err != nil {
			return err
		}
	}
	return nil
}
