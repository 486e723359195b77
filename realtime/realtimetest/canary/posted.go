package canary

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/tidewire/tidewire/realtime/realtimetest/canary/capture"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/frames"
)

// posts returns the acts with frames in the body of a request, which are answered by a stream of events.
func posts() []Act {
	needs := func(f Features) bool { return f.Posts }
	return []Act{
		{Name: "frames in a request", Needs: needs, Do: askPosted},
		{Name: "frames in a request, resumed", Needs: needs, Do: resumePosted},
		{Name: "frames in a request without grants", Needs: needs, Do: postForbidden},
	}
}

// askPosted subscribes, by the frames in a request, to all that a token grants, perhaps with less of it, at a rate, or with state.
func askPosted(v *Viewer) error {
	f, s := v.world.server.Features, streaming{rights: v.rights(), posted: map[string]any{}}
	var filter string
	if s.own, filter, s.own.Columns = less(v); filter != "" {
		s.posted["filter"] = filter
	}
	if s.own.Columns != nil {
		s.posted["fields"] = s.own.Columns
	}
	if s.conflates = f.Rate && v.rng.IntN(3) == 0; s.conflates {
		s.posted["maxRate"] = 50
	}
	if s.state = f.State && v.rng.IntN(2) == 0; s.state {
		s.posted["state"] = true
	}
	return openPosted(v, &s, nil, nil)
}

// openPosted sends what is asked for, anew or from where another stream stood: the positions of its channels and, of states, by what they were shown.
func openPosted(v *Viewer, asked *streaming, since, views map[string]string) error {
	token, err := tokenOf(v, asked.rights)
	if err != nil {
		return err
	}
	v.leave()
	var shown *frames.Screen
	if since == nil {
		v.forget()
	} else {
		shown = v.shown
	}
	v.tell(func(t *told) {
		t.token, t.own, t.conflates, t.paused, t.wild, t.state = asked.rights, asked.own, asked.conflates, false, false, nil
		if asked.state {
			t.state = map[string]any{}
		}
		maps.DeleteFunc(t.reads, func(channel, _ string) bool { return !within(asked.rights.Channels, channel) })
	})
	subscriptions, had := []map[string]any{}, []string{}
	for _, channel := range asked.rights.Channels {
		one := with(asked.posted, "channel", channel)
		if position := since[channel]; position != "" {
			if one["since"] = position; views[channel] != "" {
				one["view"] = views[channel]
			}
			had = append(had, channel)
		}
		subscriptions = append(subscriptions, one)
	}
	connect, err := json.Marshal(map[string]any{"type": "connect", "subscriptions": subscriptions})
	if err != nil {
		return err
	}
	s, err := capture.Post(v.world.ctx, v.world.server.URL, token, [][]byte{connect})
	if err != nil {
		return err
	}
	v.streams = asked
	v.attach(s.Tap, s, shown)
	return v.streamed(had)
}

// resumePosted comes back with where it stood, perhaps with other rights, and is given what was published meanwhile.
func resumePosted(v *Viewer) error {
	if v.streams == nil || v.streams.posted == nil {
		return nil
	}
	asked := *v.streams
	v.leave()
	views := v.told.views
	if asked.state { // what has no key is not in a snapshot
		v.drop(func(*word) bool { return true })
		if v.rng.IntN(2) == 0 {
			asked.rights = v.rights()
		}
	}
	since := maps.Clone(v.told.reads)
	for range v.rng.IntN(20) {
		if err := v.world.publish(!asked.state); err != nil {
			return err
		}
	}
	return openPosted(v, &asked, since, views)
}

// postForbidden asks, in a request that ends with its answers, for what there is no grant for, in every way that frames have.
func postForbidden(v *Viewer) error {
	r := v.rights()
	token, err := tokenOf(v, r)
	if err != nil {
		return err
	}
	v.leave()
	v.forget()
	v.tell(func(t *told) {
		t.token, t.own, t.conflates, t.paused, t.wild, t.state = r, Rights{}, false, false, false, nil
	})
	var lines [][]byte
	for _, channel := range append(channels(), AllChannels) {
		if within(r.Channels, channel) {
			continue
		}
		for _, one := range []map[string]any{{"type": "subscribe"}, {"type": "subscribe", "state": true}, {"type": "subscribe", "rewind": 100}, {"type": "history"}} {
			one["channel"], one["id"] = channel, len(lines)+1
			line, err := json.Marshal(one)
			if err != nil {
				return err
			}
			lines = append(lines, line)
		}
	}
	s, err := capture.Post(v.world.ctx, v.world.server.URL, token, lines)
	if err != nil {
		return err
	}
	v.streams = &streaming{rights: r}
	v.attach(s.Tap, s, nil)
	for i := range lines {
		f, err := v.conn.await(v.world.options.Patience, "the answer to "+string(lines[i]), 0, func(f Frame) bool { return string(f.ID) == fmt.Sprint(i+1) })
		if err != nil {
			return err
		}
		if f.Type != "error" {
			return fmt.Errorf("%s is answered %s", lines[i], f.Raw)
		}
	}
	v.leave()
	v.streams = nil
	return nil
}
