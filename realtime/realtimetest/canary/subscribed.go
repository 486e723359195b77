package canary

import (
	"fmt"
	"maps"
	"strings"

	"github.com/tidewire/tidewire/realtime/realtimetest/canary/frames"
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
		{Name: "states of a pattern", Needs: func(f Features) bool { return f.State && f.Wildcards }, Do: states},
		{Name: "state resumed", Needs: func(f Features) bool { return f.State }, Do: func(v *Viewer) error { return resumeState(v, false) }},
		{Name: "tune filter", Needs: func(f Features) bool { return f.Tune && f.Filter }, Do: func(v *Viewer) error {
			clients := v.some(clients(), Shared)
			return v.tune(func(t *told) {
				if t.own.Clients = clients; t.state != nil {
					t.state = with(t.state, "filter", Filter(clients))
				}
			}, map[string]any{"filter": Filter(clients)})
		}},
		{Name: "tune fields", Needs: func(f Features) bool { return f.Tune && f.Fields }, Do: func(v *Viewer) error {
			columns := append(v.some([]string{Hidden, Deep}, Shown), Shown)
			return v.tune(func(t *told) {
				if t.own.Columns = columns; t.state != nil {
					t.state = with(t.state, "fields", columns)
				}
			}, map[string]any{"fields": columns})
		}},
		{Name: "tune rate", Needs: func(f Features) bool { return f.Tune && f.Rate }, Do: func(v *Viewer) error {
			return v.tune(func(t *told) { t.conflates = true }, map[string]any{"maxRate": 5 + v.rng.IntN(100)})
		}},
		{Name: "pause", Needs: func(f Features) bool { return f.Tune && f.Rate }, Do: func(v *Viewer) error {
			return v.tune(func(t *told) { t.conflates, t.paused = true, true }, map[string]any{"paused": true})
		}},
		{Name: goOn, Needs: func(f Features) bool { return f.Tune && f.Rate }, Do: func(v *Viewer) error {
			return v.tune(func(t *told) { t.paused = false }, map[string]any{"paused": false})
		}},
	}
}

// goOn is the name of the act that ends a pause.
const goOn = "go on"

// with returns options with another one.
func with(options map[string]any, name string, value any) map[string]any {
	options = maps.Clone(options)
	options[name] = value
	return options
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
	names := names(v)
	if v.streams != nil || v.told.wild && !v.world.server.Features.Patterns { // neither can be tuned
		return nil
	}
	return v.change(what, func() (f Frame, err error) {
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

// state asks for a snapshot and what changes after it, perhaps at a rate and with a filter.
func state(v *Viewer) error {
	options, own := map[string]any{"state": true}, Rights{}
	f := v.world.server.Features
	if f.Rate && v.rng.IntN(3) == 0 {
		options["maxRate"] = 20 + v.rng.IntN(100)
	}
	if f.Filter && v.rng.IntN(3) == 0 {
		own.Clients = v.some(clients(), Shared)
		options["filter"] = Filter(own.Clients)
	}
	if err := v.ask(own, options["maxRate"] != nil, options); err != nil {
		return err
	}
	v.tell(func(t *told) { t.state = options })
	return v.snapshots(nil)
}

// states asks for the states of all channels by one subscription.
func states(v *Viewer) error {
	v.forget()
	r := v.rights()
	r.Channels = nil
	if err := v.connect(r); err != nil {
		return err
	}
	_, err := v.Call(map[string]any{"type": "subscribe", "channel": AllChannels, "state": true})
	if err != nil {
		return err
	}
	if err := complete(v); err != nil {
		return err
	}
	v.tell(func(t *told) { t.all(map[string]any{"state": true}) })
	return nil
}

// snapshots waits for the end of the snapshot of each channel, but of those that were resumed.
func (v *Viewer) snapshots(resumed map[string]bool) error {
	for channel := range v.told.reads {
		if resumed[channel] {
			continue
		}
		_, err := v.conn.await(v.world.options.Patience, "the end of the snapshot of "+channel, 0, func(f Frame) bool {
			return f.Type == "snapshot" && f.Channel == channel && f.More != nil && !*f.More
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// resumeState comes back to state with what it has: it is told what has changed, or given all anew. With others, what it may see or asks for is
// something else by then.
func resumeState(v *Viewer, others bool) error {
	if v.told.state == nil || v.told.paused || v.streams != nil {
		return nil
	}
	if v.told.wild {
		return resumeStates(v, others)
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
	}
	since := maps.Clone(v.told.reads)
	v.forget()
	if err := v.connect(token); err != nil {
		return err
	}
	v.tell(func(t *told) { t.own, t.conflates, t.state = own, conflates, options })
	v.conn.begin(v.told.view())
	v.conn.show(shown)
	resumed := map[string]bool{}
	for channel, position := range since {
		if !within(token.Channels, channel) {
			continue
		}
		frame := maps.Clone(options)
		if frame["since"] = position; views[channel] != "" {
			frame["view"] = views[channel]
		}
		answer, err := v.subscribe(channel, frame)
		if err != nil {
			return err
		}
		if answer.Gap || answer.Resumed == answer.Reset {
			return fmt.Errorf("state is resumed with %s", answer.Raw)
		}
		resumed[channel] = answer.Resumed
	}
	return v.snapshots(resumed)
}

// become changes, while the viewer is away, what its next token shows, what the tenant does, and what it asks for itself.
func become(v *Viewer, own Rights, options map[string]any) (Rights, Rights, map[string]any, error) {
	token := v.told.token
	if v.rng.IntN(3) > 0 {
		if token = v.rights(); v.rng.IntN(2) == 0 {
			token.Clients = nil // who may see more than before is where it goes wrong
		}
	}
	if v.world.server.Features.Filter && v.rng.IntN(3) == 0 {
		own.Clients = v.some(clients(), Shared)
		options = with(options, "filter", Filter(own.Clients))
	}
	if v.rng.IntN(3) == 0 {
		if err := policy(v); err != nil {
			return token, own, options, fmt.Errorf("while it is away: %w", err)
		}
	}
	return token, own, options, nil
}

// show makes a screen that of the connection, before it has subscribed.
func (c *connection) show(s *frames.Screen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.screen = frames.On(s)
}

func (c *connection) has(w *word) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[w]
}
