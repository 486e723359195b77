package canary

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// stock returns the acts that every server that has their features is tried with. The first one is what a viewer begins with.
func stock() []Act {
	streams := func(f Features) bool { return f.Stream }
	return []Act{
		{Name: "live", Do: live},
		{Name: "resume", Do: func(v *Viewer) error { return resume(v, v.told.token) }},
		{Name: "resume with other rights", Do: func(v *Viewer) error { return resume(v, v.rights()) }},
		{Name: "replay", Do: replay},
		{Name: "forbidden", Do: forbidden},
		{Name: "refresh", Do: refresh},
		{Name: "stream", Needs: streams, Do: func(v *Viewer) error { return v.stream(v.rights(), "") }},
		{Name: "stream resumed", Needs: streams, Do: resumeStream},
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
	token, err := v.world.server.Token(v.User, r)
	if err != nil {
		return err
	}
	v.leave()
	v.tell(func(t *told) { t.token, t.own, t.conflates, t.paused = r, Rights{}, false, false })
	v.streams = false
	s, err := dialSocket(v.world.ctx, v.world.server.URL, token)
	if err != nil {
		return err
	}
	v.attach(s.tap, s)
	_, err = v.conn.await(v.world.options.Patience, "welcome", 0, func(f Frame) bool { return f.Type == "welcome" })
	return err
}

func (v *Viewer) attach(tap *Tap, by protocol) {
	v.conn = open(tap, by, v.world.find, v.told.view())
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

// resume comes back to where it was, and is given what was published meanwhile.
func resume(v *Viewer, r Rights) error {
	v.leave()
	v.tell(func(t *told) {
		t.token, t.own, t.conflates = r, Rights{}, false
		for channel := range t.reads {
			if !within(r.Channels, channel) {
				delete(t.reads, channel)
			}
		}
	})
	v.drop(func(w *word) bool { return !v.told.view().shows(w) })
	for range v.rng.IntN(20) {
		if _, err := v.world.publish(true); err != nil {
			return err
		}
	}
	since := map[string]string{}
	v.tell(func(t *told) {
		for channel, position := range t.reads {
			since[channel] = position
		}
	})
	if err := v.connect(r); err != nil {
		return err
	}
	return v.world.during(func() error { return v.resubscribe(since) })
}

func (v *Viewer) resubscribe(since map[string]string) error {
	for channel, position := range since {
		answer, err := v.subscribe(channel, map[string]any{"since": position})
		if err != nil {
			return err
		}
		if !answer.Resumed {
			return fmt.Errorf("%s is not resumed: %s", channel, answer.Raw)
		}
	}
	return nil
}

// drop makes some of what is due be due no more.
func (v *Viewer) drop(which func(*word) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for w := range v.due {
		if which(w) {
			delete(v.due, w)
		}
	}
}

// replay asks for all that there was since the first answer, with the rights of now.
func replay(v *Viewer) error {
	r := v.rights()
	v.forget()
	if err := v.connect(r); err != nil {
		return err
	}
	for _, channel := range r.Channels {
		first, ok := v.told.begins[channel]
		if !ok {
			continue
		}
		if err := v.resubscribe(map[string]string{channel: first.position}); err != nil {
			return err
		}
		v.owe(channel, first.published)
	}
	return nil
}

// owe makes everything due that was published on a channel and is shown.
func (v *Viewer) owe(channel string, from int) {
	v.world.mu.RLock()
	log := v.world.log[from:]
	v.world.mu.RUnlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, w := range log {
		if w.of.Channel.Name() == channel && v.told.view().shows(w) {
			v.due[w] = true
		}
	}
}

// forbidden asks for a channel that it has no grant for.
func forbidden(v *Viewer) error {
	for _, channel := range channels() {
		if v.streams || within(v.told.token.Channels, channel) {
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

// refresh renews the token with other rights, while others publish. From the answer on the new ones hold.
func refresh(v *Viewer) error {
	if v.streams {
		return nil
	}
	r := v.rights()
	token, err := v.world.server.Token(v.User, r)
	if err != nil {
		return err
	}
	return v.change(func(t *told) { t.token = r }, func() (Frame, error) {
		return v.Call(map[string]any{"type": "refresh", "token": token})
	})
}

// change changes what holds while others publish. do returns the frame with which the server says that it has.
func (v *Viewer) change(what func(*told), do func() (Frame, error)) error {
	var before, after view
	v.tell(func(t *told) {
		before = t.view()
		next := *t
		what(&next)
		after, t.changing = next.view(), true
	})
	v.conn.begin(before, after)
	var done Frame
	err := v.world.during(func() (err error) {
		done, err = do()
		return err
	})
	if err != nil {
		return err
	}
	v.conn.beginAt(done, after)
	v.tell(func(t *told) {
		what(t)
		t.changing = false
		for channel := range t.reads {
			if !within(t.token.Channels, channel) {
				delete(t.reads, channel)
			}
		}
	})
	if !reflect.DeepEqual(before, after) { // else what waits, as for a viewer that has paused, is due still
		v.drop(func(*word) bool { return true })
	}
	return nil
}

// stream opens a stream of events of all that the token grants.
func (v *Viewer) stream(r Rights, lastID string) error {
	token, err := v.world.server.Token(v.User, r)
	if err != nil {
		return err
	}
	v.leave()
	if lastID == "" {
		v.forget()
	}
	v.tell(func(t *told) { t.token, t.own, t.conflates, t.paused = r, Rights{}, false, false })
	s, err := dialStream(v.world.ctx, v.world.server.URL, token, map[string][]string{"channel": r.Channels}, lastID)
	if err != nil {
		return err
	}
	v.streams = true
	v.attach(s.tap, s)
	for _, channel := range r.Channels {
		f, err := v.conn.await(v.world.options.Patience, "the answer for "+channel, 0, func(f Frame) bool { return f.Channel == channel && f.Type != "message" })
		if err != nil {
			return err
		}
		if f.Type != "ok" || lastID != "" && !f.Resumed {
			return fmt.Errorf("%s is answered %s", channel, f.Raw)
		}
		v.tell(func(t *told) { t.reads[channel] = f.Position })
	}
	return nil
}

// resumeStream takes a stream up again with its last id, and is given what was published meanwhile.
func resumeStream(v *Viewer) error {
	if !v.streams {
		return nil
	}
	s, ok := v.conn.by.(*stream)
	if !ok {
		return errors.New("not a stream")
	}
	v.leave()
	id := s.id
	for range v.rng.IntN(20) {
		if _, err := v.world.publish(true); err != nil {
			return err
		}
	}
	return v.stream(v.told.token, id)
}
