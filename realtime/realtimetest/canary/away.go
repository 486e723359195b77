package canary

import "fmt"

// resume comes back to where it was, and is given what was published meanwhile.
func resume(v *Viewer, r Rights) error {
	v.leave()
	v.tell(func(t *told) {
		t.token, t.own, t.conflates = r, Rights{}, false
		for channel, position := range t.reads {
			if !within(r.Channels, channel) || position == "" {
				delete(t.reads, channel)
			}
		}
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
