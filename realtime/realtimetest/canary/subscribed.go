package canary

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// asked returns the acts with which a viewer asks for less than its rights, or for it at another pace.
func asked() []Act {
	return []Act{
		{Name: "filter", Needs: func(f Features) bool { return f.Filter }, Do: func(v *Viewer) error {
			clients := v.some(clients(), Shared)
			return v.ask(Rights{Clients: clients}, false, map[string]any{"filter": Filter(clients)})
		}},
		{Name: "fields", Needs: func(f Features) bool { return f.Fields }, Do: func(v *Viewer) error {
			columns := append(v.some([]string{Hidden, Deep}, Shown), Shown)
			return v.ask(Rights{Columns: columns}, false, map[string]any{"fields": columns})
		}},
		{Name: "rate", Needs: func(f Features) bool { return f.Rate }, Do: func(v *Viewer) error {
			return v.ask(Rights{}, true, map[string]any{"maxRate": 5 + v.rng.IntN(100)})
		}},
		{Name: "state", Needs: func(f Features) bool { return f.State }, Do: state},
		{Name: "tune filter", Needs: func(f Features) bool { return f.Tune && f.Filter }, Do: func(v *Viewer) error {
			clients := v.some(clients(), Shared)
			return v.tune(func(t *told) { t.own.Clients = clients }, map[string]any{"filter": Filter(clients)})
		}},
		{Name: "tune fields", Needs: func(f Features) bool { return f.Tune && f.Fields }, Do: func(v *Viewer) error {
			columns := append(v.some([]string{Hidden, Deep}, Shown), Shown)
			return v.tune(func(t *told) { t.own.Columns = columns }, map[string]any{"fields": columns})
		}},
		{Name: "tune rate", Needs: func(f Features) bool { return f.Tune && f.Rate }, Do: func(v *Viewer) error {
			return v.tune(func(t *told) { t.conflates = true }, map[string]any{"maxRate": 5 + v.rng.IntN(100)})
		}},
		{Name: "pause", Needs: func(f Features) bool { return f.Tune && f.Rate }, Do: func(v *Viewer) error {
			return v.tune(func(t *told) { t.conflates, t.paused = true, true }, map[string]any{"paused": true})
		}},
		{Name: "go on", Needs: func(f Features) bool { return f.Tune && f.Rate }, Do: func(v *Viewer) error {
			return v.tune(func(t *told) { t.paused = false }, map[string]any{"paused": false})
		}},
	}
}

// Filter returns the filter that shows some clients: CEL. Of nil it is one that shows all.
func Filter(clients []string) string {
	if clients == nil {
		return "true"
	}
	return "tags." + ClientTag + " in ['" + strings.Join(clients, "', '") + "']"
}

// ask connects, and subscribes to all that its token grants with options that ask for less.
func (v *Viewer) ask(own Rights, conflates bool, options map[string]any) error {
	v.forget()
	r := v.rights()
	if err := v.connect(r); err != nil {
		return err
	}
	v.tell(func(t *told) { t.own, t.conflates = own, conflates })
	v.conn.begin(v.told.view())
	for _, channel := range r.Channels {
		if _, err := v.subscribe(channel, options); err != nil {
			return err
		}
	}
	return nil
}

// tune changes all subscriptions of the connection.
func (v *Viewer) tune(what func(*told), members map[string]any) error {
	if v.streams {
		return nil
	}
	return v.change(what, func() (f Frame, err error) {
		names := slices.Sorted(maps.Keys(v.told.reads))
		if v.told.wild {
			names = []string{AllChannels}
		}
		for _, channel := range names {
			frame := map[string]any{"type": "tune", "channel": channel}
			for name, value := range members {
				frame[name] = value
			}
			if f, err = v.Call(frame); err != nil {
				return f, err
			}
		}
		if f.Type == "" { // it reads nothing
			f, err = v.Call(map[string]any{"type": "ping"})
		}
		return f, err
	})
}

// state asks for snapshots: the newest of each key that it is shown has to be in them.
func state(v *Viewer) error {
	if err := v.ask(Rights{}, false, map[string]any{"state": true}); err != nil {
		return err
	}
	for channel := range v.told.reads {
		_, err := v.conn.await(v.world.options.Patience, "the end of the snapshot of "+channel, 0, func(f Frame) bool {
			return f.Type == "snapshot" && f.Channel == channel && f.More != nil && !*f.More
		})
		if err != nil {
			return err
		}
		for _, w := range v.world.newest(channel) {
			if v.told.view().shows(w) && !v.conn.has(w) {
				return fmt.Errorf("the snapshot of %s lacks key %q of client %q", channel, w.of.Key, w.of.Tags[ClientTag])
			}
		}
	}
	return nil
}

func (c *connection) has(w *word) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[w]
}

// newest returns the last of each key of a channel.
func (w *World) newest(channel string) []*word {
	w.mu.RLock()
	defer w.mu.RUnlock()
	last := map[string]*word{}
	for _, made := range w.log {
		if made.of.Key != "" && made.of.Channel.Name() == channel {
			last[made.of.Key] = made
		}
	}
	var all []*word
	for _, made := range last {
		all = append(all, made)
	}
	slices.SortFunc(all, compare)
	return all
}
