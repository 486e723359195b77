package canary

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/tidewire/tidewire/realtime/realtimetest/canary/capture"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/frames"
)

// streaming is how a stream of events is asked for.
type streaming struct {
	rights    Rights
	own       Rights
	options   map[string]any // beside the channels
	state     bool
	conflates bool
	wild      bool // one pattern for all
	posted    bool // by frames in a request, not by a query
}

// askStream opens a stream of events of all that a token grants, perhaps with less of it, at a rate, or with state.
func askStream(v *Viewer, posted bool) error {
	f, s := v.world.server.Features, streaming{rights: v.rights(), options: map[string]any{}, posted: posted}
	if f.Filter && v.rng.IntN(3) == 0 {
		s.own.Clients = v.some(clients(), Shared)
		s.options["filter"] = Filter(s.own.Clients)
	}
	if f.Fields && v.rng.IntN(3) == 0 {
		s.own.Columns = []string{Hidden, Shown}
		s.options["fields"] = s.own.Columns
	}
	if s.conflates = f.Rate && v.rng.IntN(3) == 0; s.conflates {
		s.options["maxRate"] = 50
	}
	if s.state = f.State && v.rng.IntN(2) == 0; s.state {
		s.options["state"] = true
	}
	if s.wild = !posted && f.Patterns && v.rng.IntN(3) == 0; s.wild {
		s.rights.Channels = nil
	}
	return openStream(v, &s, "")
}

// openStream opens a stream of events, anew or from the last id of another one, which had some channels, or from where that stood in each of them.
func openStream(v *Viewer, asked *streaming, lastID string, had ...string) error {
	r := asked.rights
	token, err := tokenOf(v, r)
	if err != nil {
		return err
	}
	v.leave()
	since := maps.Clone(v.told.reads)
	var shown *frames.Screen
	if len(had) == 0 || lastID == "" && !asked.posted {
		v.forget()
	} else {
		shown = v.shown
	}
	v.tell(func(t *told) {
		t.token, t.own, t.conflates, t.paused, t.wild, t.state = r, asked.own, asked.conflates, false, false, nil
		if asked.state {
			t.state = map[string]any{}
		}
		maps.DeleteFunc(t.reads, func(channel, _ string) bool { return !within(r.Channels, channel) })
	})
	s, err := dialStream(v, asked, token, lastID, since, had)
	if err != nil {
		return err
	}
	v.streams = asked
	v.attach(s.Tap, s, shown)
	return v.streamed(had)
}

// dialStream asks for a stream, by a query or by a frame in a request.
func dialStream(v *Viewer, asked *streaming, token, lastID string, since map[string]string, had []string) (*capture.Stream, error) {
	if asked.posted {
		all := []map[string]any{}
		for _, channel := range asked.rights.Channels {
			one := with(asked.options, "channel", channel)
			if slices.Contains(had, channel) {
				if one["since"] = since[channel]; v.told.views[channel] != "" {
					one["view"] = v.told.views[channel]
				}
			}
			all = append(all, one)
		}
		return capture.Post(v.world.ctx, v.world.server.URL, token, []map[string]any{{"type": "connect", "subscriptions": all}})
	}
	query := url.Values{"channel": asked.rights.Channels}
	if asked.wild {
		query.Set("channel", AllChannels)
	}
	for name, value := range asked.options {
		if list, is := value.([]string); is {
			query[name] = list
		} else {
			query.Set(name, fmt.Sprint(value))
		}
	}
	return capture.DialStream(v.world.ctx, v.world.server.URL, token, query, lastID)
}

// streamed waits for the answers of a stream, which goes on with channels that another one had.
func (v *Viewer) streamed(had []string) error {
	if v.streams.wild {
		return streamedAll(v, len(had) > 0)
	}
	resumed := map[string]bool{}
	for _, channel := range v.streams.rights.Channels {
		f, err := v.conn.await(v.world.options.Patience, "the answer for "+channel, 0, func(f Frame) bool {
			return f.Channel == channel && f.Type != "message" && f.Type != "snapshot"
		})
		if err != nil {
			return err
		}
		if f.Type != "ok" || slices.Contains(had, channel) && !f.Resumed && (!v.streams.state || !f.Reset) {
			return fmt.Errorf("%s is answered %s", channel, f.Raw)
		}
		resumed[channel] = f.Resumed
		v.tell(func(t *told) { t.reads[channel] = f.Position })
	}
	if v.streams.state {
		return v.snapshots(resumed)
	}
	return nil
}

// resumeStream takes a stream up again with its last id, and is given what was published meanwhile.
func resumeStream(v *Viewer) error {
	if v.streams == nil {
		return nil
	}
	s, ok := v.conn.by.(*capture.Stream)
	if !ok {
		return errors.New("not a stream")
	}
	v.leave()
	asked := *v.streams
	had := asked.rights.Channels
	if asked.wild {
		had = channels()
	}
	if v.streams.state { // what has no key is not in a snapshot
		v.drop(func(*word) bool { return true })
		if v.rng.IntN(2) == 0 {
			if asked.rights = v.rights(); asked.wild {
				asked.rights.Channels = nil
			}
		}
	}
	for range v.rng.IntN(20) {
		if err := v.world.publish(!v.streams.state); err != nil {
			return err
		}
	}
	return openStream(v, &asked, s.ID, had...)
}
