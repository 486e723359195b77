package canary

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// row is the value of a key, in a message or a snapshot.
type row struct {
	Key     string          `json:"key"`
	Left    json.RawMessage `json:"left"` // true; other frames have lists
	Deleted bool            `json:"deleted"`
	Data    json.RawMessage `json:"data"`
}

// screen is what a client shows of channels with state, by channel and key: the main word of each value, and which other members it has.
type screen map[string]map[string]string

// take does with a frame what a client does.
func (s screen) take(f Frame) {
	switch {
	case f.Pattern && f.Reset:
		clear(s)
	case f.Type == "ok" && (f.Reset || f.State != nil && !f.Resumed) || f.Type == "snapshot" && f.Reset:
		delete(s, f.Channel)
	}
	for _, r := range f.Entries {
		s.set(f.Channel, r)
	}
	if f.Type == "message" && f.Key != "" {
		s.set(f.Channel, f.row)
	}
}

func (s screen) set(channel string, r row) {
	if s[channel] == nil {
		s[channel] = map[string]string{}
	}
	if r.Deleted || string(r.Left) == "true" {
		delete(s[channel], r.Key)
		return
	}
	var data map[string]json.RawMessage
	var main string
	if json.Unmarshal(r.Data, &data) == nil {
		_ = json.Unmarshal(data[Shown], &main) // what has none is no value of ours
	}
	for _, column := range []string{Hidden, Deep} {
		if data[column] != nil {
			main += " " + column
		}
	}
	s[channel][r.Key] = main
}

// screened is what is to be on a screen of a publication.
func (v view) screened(main *word) string {
	text := main.text
	for _, column := range []string{Hidden, Deep} {
		if within(v.rights[0].Columns, column) && within(v.rights[1].Columns, column) && within(v.rights[2].Columns, column) {
			text += " " + column
		}
	}
	return text
}

// differs says in what a channel is not what it has to be; empty if in nothing.
func (s screen) differs(channel string, want map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		switch have, ok := s[channel][key]; {
		case !ok:
			return fmt.Sprintf("key %q is missing", key)
		case have != want[key]:
			return fmt.Sprintf("key %q has the value %q, not %q", key, have, want[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s[channel])) {
		if _, ok := want[key]; !ok {
			return fmt.Sprintf("key %q is shown still", key)
		}
	}
	return ""
}

// rows returns what a viewer has to be shown of a channel with state.
func (w *World) rows(channel string, of view) map[string]string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	last := map[string]*word{}
	for _, made := range w.log {
		if made.of.Key != "" && made.of.Channel.Name() == channel {
			last[made.of.Key] = made
		}
	}
	want := map[string]string{}
	for key, made := range last {
		if made.of.Op == realtime.OpSet && of.shows(made) {
			want[key] = of.screened(made)
		}
	}
	return want
}

// checkScreen waits until what a viewer with state is shown is what it has to be.
func (v *Viewer) checkScreen() error {
	for _, channel := range slices.Sorted(maps.Keys(v.told.reads)) {
		want, differs := v.world.rows(channel, v.told.view()), ""
		err := v.conn.wait(v.world.options.Patience, "what is to be shown", func() bool {
			differs = v.conn.screen.differs(channel, want)
			return differs == ""
		})
		if err != nil {
			return fmt.Errorf("%s is shown wrongly: %s: %w\n%s", channel, differs, err, story(v, channel))
		}
	}
	return nil
}
