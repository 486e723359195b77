package canary

import (
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/words"
)

// Where words stand with which a viewer subscribes. Keys that it asks for are shown to those who may see the demand for their namespace, and nothing else of
// what it asks.
const (
	inTracked place = "a key that a viewer asks for"
	inAsked   place = "what a viewer asks for"
)

// demandedNamespace is that whose demand is seen by who may see it, and tracked a channel of it that nobody reads as a whole: then all keys are wanted, and
// none is shown.
const (
	demandedNamespace = "fleet"
	tracked           = "fleet:tracked"
)

// demands returns the acts about what is read, and who may see it.
func demands() []Act {
	return []Act{{Name: "demand", Needs: func(f Features) bool { return f.Demand }, Do: demand}}
}

// demand reads what others ask for, as far as a token grants it, and perhaps loses that meanwhile.
func demand(v *Viewer) error {
	if err := live(v); err != nil {
		return err
	}
	if err := watchDemand(v); err != nil {
		return err
	}
	for range 2 {
		for _, other := range v.world.viewers {
			if err := track(other); err != nil {
				return fmt.Errorf("%s: %w", other.User, err)
			}
		}
		if err := awaitDemand(v); err != nil {
			return err
		}
		if err := refresh(v); err != nil {
			return err
		}
	}
	return nil
}

// watchDemand subscribes to what is wanted. If the token does not grant that it is refused.
func watchDemand(v *Viewer) error {
	f, err := v.Ask(map[string]any{"type": "subscribe", "channel": "$demand:" + demandedNamespace, "state": true})
	granted := v.told.token.Demand
	switch {
	case err != nil:
		return err
	case granted && f.Type != "ok", !granted && (f.Type != "error" || f.Code != "forbidden"):
		return fmt.Errorf("a subscription to the demand, granted %t, is answered %s", granted, f.Raw)
	}
	v.conn.demand = granted
	return nil
}

// track asks for keys that nobody has, by a filter and a name of its own, all of them words: on a channel that is kept, and on one that is transient.
func track(v *Viewer) error {
	if v.conn == nil || v.streams != nil {
		return nil
	}
	names := []string{tracked}
	if v.world.server.Features.Transient {
		names = append(names, passing(names)...)
	}
	for i := len(names) - 1; i >= 0; i-- {
		if err := trackOn(v, names[i]); err != nil {
			return err
		}
	}
	return nil
}

func trackOn(v *Viewer, channel string) error {
	name, err := v.world.channel(channel)
	if err != nil {
		return err
	}
	w := v.world
	w.mu.Lock()
	add := func(at place) *word {
		made := &word{text: words.New(w.rng), of: &realtime.Publication{Channel: name}, client: v.User, place: at, to: v.User}
		w.words.Add(made.text, made)
		return made
	}
	key, filter, sub := add(inTracked), add(inAsked), add(inAsked)
	w.mu.Unlock()
	frame := map[string]any{"type": "subscribe", "channel": channel, "keys": []string{key.text}, "sub": sub.text}
	if f := w.server.Features; f.Filter {
		frame["filter"] = Filter([]string{filter.text})
	}
	if granting(channel) != channel {
		frame["state"] = true
	}
	if _, err := v.Call(frame); err != nil {
		return err
	}
	v.conn.tracked = key
	return nil
}

// awaitDemand waits until it is shown every key that somebody asks for, if it may see that.
func awaitDemand(v *Viewer) error {
	if !v.conn.demand || slices.ContainsFunc(v.world.viewers, func(v *Viewer) bool { return v.told.wild }) {
		return nil
	}
	for _, other := range v.world.viewers {
		if other.conn == nil || other.conn.tracked == nil {
			continue
		}
		if key := other.conn.tracked; v.told.view().shows(key) && key.of.Channel.Namespace() == demandedNamespace {
			if err := v.conn.wait(v.world.options.Patience, fmt.Sprintf("a key that %s asks for on %s", other.User, key.of.Channel.Name()), func() bool { return v.conn.seen[key] }); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetEnded forgets what has ended on the connection of a viewer because its rights are others.
func forgetEnded(v *Viewer) {
	for channel := range v.conn.passing {
		if !within(v.told.token.Channels, granting(channel)) {
			delete(v.conn.passing, channel)
		}
	}
	v.conn.demand = v.conn.demand && v.told.token.Demand
}
