package frames

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Shown is the member of data that is always shown. Hidden and Deep are the others.
const (
	Shown  = "shown"
	Hidden = "hidden"
	Deep   = "deep"
)

// Screen is what a client shows of channels with state: the main word of each value, and which other members it has.
type Screen struct {
	rows     map[string]map[string]string // by channel and key
	answered map[string]bool              // channels, on this connection
}

// On returns what is shown when a client begins on another connection: what a Screen shows, or nothing if that is nil.
func On(before *Screen) *Screen {
	s := &Screen{rows: map[string]map[string]string{}, answered: map[string]bool{}}
	if before != nil {
		s.rows = before.rows
	}
	return s
}

// Take does with a frame what a client does.
func (s *Screen) Take(f Frame) {
	s.answered[f.Channel] = s.answered[f.Channel] || f.Type == "ok"
	switch {
	case f.Pattern && f.Reset:
		clear(s.rows)
	case f.Type == "ok" && (f.Reset || f.State != nil && !f.Resumed) || f.Type == "snapshot" && f.Reset:
		delete(s.rows, f.Channel)
	}
	if f.Type == "notice" && f.Code == "complete" { // of the others nothing is left
		maps.DeleteFunc(s.rows, func(channel string, _ map[string]string) bool { return !s.answered[channel] })
	}
	for _, r := range f.Entries {
		s.set(f.Channel, r)
	}
	if f.Type == "message" && f.Key != "" {
		s.set(f.Channel, f.Row)
	}
}

func (s *Screen) set(channel string, r Row) {
	if s.rows[channel] == nil {
		s.rows[channel] = map[string]string{}
	}
	if r.Deleted || string(r.Left) == "true" {
		delete(s.rows[channel], r.Key)
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
	s.rows[channel][r.Key] = main
}

// Differs says in what a channel is not what it has to be; empty if in nothing.
func (s *Screen) Differs(channel string, want map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		switch have, ok := s.rows[channel][key]; {
		case !ok:
			return fmt.Sprintf("key %q is missing", key)
		case have != want[key]:
			return fmt.Sprintf("key %q has the value %q, not %q", key, have, want[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.rows[channel])) {
		if _, ok := want[key]; !ok {
			return fmt.Sprintf("key %q is shown still", key)
		}
	}
	return ""
}
