package canary

import (
	"fmt"
	"maps"
	"slices"
)

// all notes that all channels are read by one subscription, with state by options.
func (t *told) all(state map[string]any) {
	t.wild, t.state = true, state
	for _, channel := range channels() {
		t.reads[channel] += ""
	}
}

// names are what a tune is for.
func names(v *Viewer) []string {
	if v.told.wild {
		return []string{AllChannels}
	}
	return slices.Collect(maps.Keys(v.told.reads))
}

// complete waits until the states of all channels were sent.
func complete(v *Viewer) error {
	_, err := v.conn.await(v.world.options.Patience, "the end of the snapshots of "+AllChannels, 0, func(f Frame) bool {
		return f.Type == "notice" && f.Code == "complete" && f.Channel == AllChannels
	})
	return err
}

// resumeWildcard comes back to all channels, and is given what was published meanwhile on those that it has a position of.
func resumeWildcard(v *Viewer) error {
	if !v.told.wild || v.told.state != nil || v.streams != nil || v.told.paused {
		return nil
	}
	own := v.told.own
	if fresh, filter, _ := less(v); filter != "" { // it wants something else by now
		own = fresh
	}
	r := v.rights()
	r.Channels = nil
	v.leave()
	v.tell(func(t *told) {
		t.token, t.own, t.conflates = r, Rights{}, false
		maps.DeleteFunc(t.reads, func(_, position string) bool { return position == "" })
	})
	v.drop(func(w *word) bool {
		_, reads := v.told.reads[w.of.Channel.Name()]
		return !reads || !v.told.view().shows(w)
	})
	for range v.rng.IntN(20) {
		if err := v.world.publish(true); err != nil {
			return err
		}
	}
	since := maps.Clone(v.told.reads)
	if err := v.connect(r); err != nil {
		return err
	}
	frame := map[string]any{"type": "subscribe", "channel": AllChannels, "since": since}
	if own.Clients != nil { // as it was tuned
		frame["filter"] = Filter(own.Clients)
		v.tell(func(t *told) { t.own.Clients = own.Clients })
		v.conn.begin(v.told.view())
		v.drop(func(w *word) bool { return !v.told.view().shows(w) })
	}
	if err := v.world.during(func() error {
		if _, err := v.Call(frame); err != nil {
			return err
		}
		return answers(v, since)
	}); err != nil {
		return err
	}
	v.tell(func(t *told) { t.all(nil) })
	return nil
}

// answers waits for the answers about the channels that a pattern was told the positions of.
func answers(v *Viewer, since map[string]string) error {
	for channel := range since {
		f, err := v.conn.await(v.world.options.Patience, "the answer for "+channel, 0, func(f Frame) bool { return f.Type == "ok" && f.Channel == channel })
		if err != nil {
			return err
		}
		if f.Gap || !f.Resumed && f.State == nil {
			return fmt.Errorf("%s is resumed with %s", channel, f.Raw)
		}
	}
	return nil
}

// resumeStates comes back to the states of all channels with what it has. With others, what it may see or asks for is something else by then.
func resumeStates(v *Viewer, others bool) error {
	if !v.world.server.Features.Patterns {
		return nil
	}
	options, own, conflates, token := v.told.state, v.told.own, v.told.conflates, v.told.token
	v.leave()
	shown, views := v.shown, v.told.views
	for range v.rng.IntN(20) {
		if err := v.world.publish(false); err != nil {
			return err
		}
	}
	if others {
		var err error
		if token, own, options, err = become(v, own, options); err != nil {
			return err
		}
		token.Channels = nil
	}
	since, frame := maps.Clone(v.told.reads), maps.Clone(options)
	maps.DeleteFunc(since, func(channel, position string) bool { return position == "" || v.rng.IntN(8) == 0 })
	v.forget()
	if err := v.connect(token); err != nil {
		return err
	}
	v.tell(func(t *told) { t.own, t.conflates = own, conflates })
	v.conn.begin(v.told.view())
	v.conn.show(shown)
	frame["type"], frame["channel"], frame["since"] = "subscribe", AllChannels, since
	by := map[string]string{}
	for channel := range since {
		if views[channel] != "" {
			by[channel] = views[channel]
		}
	}
	if len(by) > 0 {
		frame["view"] = by
	}
	if _, err := v.Call(frame); err != nil {
		return err
	}
	if err := answers(v, since); err != nil {
		return err
	}
	if err := complete(v); err != nil {
		return err
	}
	v.tell(func(t *told) { t.all(options) })
	return nil
}

// streamedAll waits for the answer of a stream of all channels, which goes on where another one was or begins.
func streamedAll(v *Viewer, goesOn bool) error {
	f, err := v.conn.await(v.world.options.Patience, "the answer for "+AllChannels, 0, func(f Frame) bool {
		return f.Channel == AllChannels && f.Type != "message" && f.Type != "snapshot"
	})
	if err != nil {
		return err
	}
	if f.Type != "ok" || f.Gap || f.Reset && !goesOn {
		return fmt.Errorf("%s is answered %s", AllChannels, f.Raw)
	}
	if v.streams.state {
		err = complete(v)
	}
	v.tell(func(t *told) {
		t.all(t.state)
	})
	return err
}
