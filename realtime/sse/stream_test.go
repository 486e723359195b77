package sse

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

func channels(t testing.TB, names ...string) []realtime.Channel {
	t.Helper()
	all := make([]realtime.Channel, len(names))
	for i, name := range names {
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = c
	}
	return all
}

func TestStreamComesBack(t *testing.T) {
	t.Parallel()
	c := NewStream(channels(t, "prices:fx", "alerts:ann", "silent:one"))
	c.asOf = 1_767_225_601_456
	c.marks[0].at = realtime.Position{Time: 1_767_225_600_123, ID: "e1"}
	c.marks[1].at = realtime.Position{Time: 1_767_225_600_124}
	back := NewStream(channels(t, "silent:one", "alerts:ann", "prices:fx", "new:one"))
	back.Resume(c.String(), time.Now())
	got := map[string]realtime.Position{}
	for _, m := range back.marks {
		got[m.name] = m.at
	}
	want := map[string]realtime.Position{
		"prices:fx": c.marks[0].at, "alerts:ann": c.marks[1].at, "silent:one": {}, "new:one": {},
	}
	if diff := cmp.Diff(want, got); diff != "" || back.asOf != c.asOf {
		t.Errorf("asOf %d, %s", back.asOf, diff)
	}
}

// A stream whose client is being given a state has nothing to go on from, whatever comes meanwhile, until it has had all of it.
func TestStreamInTheMiddleOfASnapshot(t *testing.T) {
	t.Parallel()
	names := channels(t, "fleet:eu")
	at := realtime.Position{Time: 1_767_225_600_123, ID: "e1"}
	event, _ := Encoder{}.Message(&realtime.Publication{Channel: names[0], ID: "e2", Time: time.UnixMilli(at.Time + 1), Data: []byte("1")})
	part, whole := &outbox.Snapshot{More: true}, &outbox.Snapshot{Position: at, View: "v1"}
	s := NewStream(names)
	for i, c := range []struct {
		frame outbox.Frame
		at    realtime.Position
		view  string
	}{
		{Encoder{}.Subscribed("", names[0], outbox.Answer{State: true, Position: at, View: "v0"}), realtime.UnusablePosition(), "v0"},
		{Encoder{}.Snapshot(names[0], part), realtime.UnusablePosition(), "v0"},
		{event, realtime.UnusablePosition(), "v0"},
		{Encoder{}.Snapshot(names[0], whole), at, "v1"},
		{event, realtime.Position{Time: at.Time + 1, ID: "e2"}, "v1"},
		{Encoder{}.Viewed(names[0], "v2"), realtime.Position{Time: at.Time + 1, ID: "e2"}, "v2"},
		{Encoder{}.Viewed(names[0], ""), realtime.Position{Time: at.Time + 1, ID: "e2"}, ""},
		{Encoder{}.Snapshot(names[0], &outbox.Snapshot{More: true, Reset: true}), realtime.UnusablePosition(), ""},
		{Encoder{}.Snapshot(names[0], &outbox.Snapshot{Position: at, Reset: true, View: "v3"}), at, "v3"},
		{Encoder{}.Subscribed("", names[0], outbox.Answer{State: true, Resumed: true, Position: at, View: "v4"}), at, "v4"},
	} {
		var out bytes.Buffer
		s.Append(&out, c.frame.Bytes)
		back := NewStream(names)
		back.Resume(s.String(), time.Now())
		for _, s := range []*Stream{s, back} {
			if s.Since(0) != c.at || s.View(0) != c.view {
				t.Errorf("behind event %d it stands at %+v by %q, want %+v by %q", i, s.Since(0), s.View(0), c.at, c.view)
			}
		}
	}
}

// An id of a server that knew no views is good, and says that there was none.
func TestStreamOfAnOlderServer(t *testing.T) {
	t.Parallel()
	names := channels(t, "prices:fx", "alerts:ann")
	s := NewStream(names)
	s.Resume("AbDb6ra3M2B1FVNkpprV-9DqtrczAmUx", time.Now())
	if at := (realtime.Position{Time: 1_767_225_600_123, ID: "e1"}); s.Since(0) != at || s.View(0) != "" || !s.Since(1).IsZero() || s.AsOf() != 1_767_225_601_456 {
		t.Errorf("it says %+v, asOf %d", s.marks, s.asOf)
	}
}

// Whatever else comes back as an id is a gap on every channel, and stays one until the channel has been answered.
func TestStreamOfWhatIsNone(t *testing.T) {
	t.Parallel()
	raw := base64.RawURLEncoding.EncodeToString
	for name, id := range map[string]string{
		"no base64":       "!!!!",
		"padding":         "AQA=",
		"another version": raw([]byte{9, 0}),
		"no asOf":         raw([]byte{1}),
		"endless asOf":    raw([]byte{1, 255, 255, 255}),
		"half a channel":  raw([]byte{1, 0, 1, 2, 3}),
		"no time":         raw([]byte{1, 0, 1, 2, 3, 4, 5, 6, 7, 8}),
		"short ID":        raw([]byte{1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 5, 9, 'x'}),
		"control in ID":   raw([]byte{1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 5, 1, 7}),
		"not UTF-8":       raw([]byte{1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 5, 1, 255}),
		"long":            strings.Repeat("A", 100_000),
		"many channels":   raw(append([]byte{1, 0}, bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 0}, 5000)...)),
	} {
		c := NewStream(channels(t, "prices:fx", "alerts:ann"))
		for range 2 { // as it came, and as it is given out until an answer has come
			c.Resume(id, time.Now())
			for _, m := range c.marks {
				if m.at.IsUsable() || c.asOf != 0 {
					t.Errorf("%s: %+v, asOf %d", name, m, c.asOf)
				}
			}
			id = c.String()
		}
	}
	future := NewStream(channels(t, "prices:fx"))
	future.asOf = time.Now().Add(time.Hour).UnixMilli()
	c := NewStream(channels(t, "prices:fx"))
	if c.Resume(future.String(), time.Now()); c.asOf != 0 {
		t.Errorf("asOf is %d, which no heartbeat can replace for an hour", c.asOf)
	}
}

// An id stays short enough for a header line, however long the IDs of events are, and resumes no later than it says.
func TestStreamIsBounded(t *testing.T) {
	t.Parallel()
	names := make([]string, MaxChannels)
	for i := range names {
		names[i] = "channel:" + strconv.Itoa(i)
	}
	c := NewStream(channels(t, names...))
	for i := range c.marks {
		c.marks[i].at = realtime.Position{Time: 1_767_225_600_123, ID: strings.Repeat("x", realtime.MaxIDBytes-i)}
	}
	id := c.String()
	if len(id) > 4096 {
		t.Errorf("an id has %d bytes", len(id))
	}
	back := NewStream(channels(t, names...))
	back.Resume(id, time.Now())
	for i, m := range back.marks {
		if m.at != c.marks[i].at && (m.at != realtime.Position{Time: c.marks[i].at.Time - 1}) {
			t.Errorf("%s resumes at %+v", m.name, m.at)
		}
	}
}

// Whatever comes makes a stream that can be written and read again.
func FuzzStream(f *testing.F) {
	c := NewStream(channels(f, "prices:fx", "alerts:ann"))
	c.asOf = 1_767_225_601_456
	c.marks[1].at = realtime.Position{Time: 1_767_225_600_123, ID: "e1"}
	f.Add(c.String())
	f.Add("!")
	f.Fuzz(func(t *testing.T, id string) {
		first := NewStream(channels(t, "prices:fx", "alerts:ann"))
		first.Resume(id, time.Now())
		second := NewStream(channels(t, "prices:fx", "alerts:ann"))
		if !second.parse(first.String(), time.Now()) {
			t.Fatalf("%q became %q, which is refused", id, first.String())
		}
		for i := range first.marks {
			if first.marks[i].at != second.marks[i].at {
				t.Fatalf("%+v became %+v", first.marks[i], second.marks[i])
			}
		}
	})
}
