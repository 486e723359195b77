package gateway

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

func channels(t testing.TB, names ...string) []realtime.Channel {
	t.Helper()
	all, err := channelsOf("acme", names)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCursorComesBack(t *testing.T) {
	t.Parallel()
	c := newCursor(channels(t, "prices:fx", "alerts:ann", "silent:one"))
	c.asOf = 1_767_225_601_456
	c.marks[0].at = realtime.Position{Time: 1_767_225_600_123, ID: "e1"}
	c.marks[1].at = realtime.Position{Time: 1_767_225_600_124}
	back := newCursor(channels(t, "silent:one", "alerts:ann", "prices:fx", "new:one"))
	back.resume(c.String(), time.Now())
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

// The frames are those of package wire, so that the two cannot drift apart.
func TestCursorSees(t *testing.T) {
	t.Parallel()
	names := channels(t, "prices:fx", "alerts:ann")
	at := func(id string) realtime.Position { return realtime.Position{Time: 1_767_225_600_123, ID: id} }
	message := func(id string) []byte {
		p := &realtime.Publication{Channel: names[0], ID: id, Data: []byte(`{"position":"1-x"}`), Time: time.UnixMilli(at("").Time)}
		f, _ := wire.Encoder{}.Message(p)
		return f.Payload()
	}
	for name, c := range map[string]struct {
		frame []byte
		want  realtime.Position
		moved bool
	}{
		"message":          {message("e1"), at("e1"), true},
		"message, escapes": {message(`e "1" \ ü`), at(`e "1" \ ü`), true},
		"message, no ID":   {message(""), at(""), true},
		"ok":               {wire.Encoder{}.Subscribed("", names[0], realtime.Answer{Position: at("e2")}).Payload(), at("e2"), true},
		"gap":              {wire.Encoder{}.Gap(names[0], at("e3")).Payload(), at("e3"), true},
		"dropped":          {wire.Encoder{}.Dropped(names[0], 3).Payload(), realtime.Position{}, false},
		"welcome":          {wire.Welcome("", wire.Session{}).Payload(), realtime.Position{}, false},
		"still heartbeat":  {wire.Encoder{}.Heartbeat(realtime.Position{}).Payload(), realtime.Position{}, false},
	} {
		cur := newCursor(names)
		if moved := cur.see(c.frame); moved != c.moved || cur.marks[0].at != c.want || !cur.marks[1].at.IsZero() {
			t.Errorf("%s: moved %t to %+v", name, moved, cur.marks)
		}
	}
	cur := newCursor(names)
	if !cur.see(wire.Encoder{}.Heartbeat(at("")).Payload()) || cur.asOf != at("").Time {
		t.Errorf("a heartbeat moved asOf to %d", cur.asOf)
	}
	// A channel that begins before asOf is not vouched for by it.
	early := realtime.Position{Time: cur.asOf - 5000}
	cur.see(wire.Encoder{}.Subscribed("", names[1], realtime.Answer{Position: early}).Payload())
	if cur.asOf != early.Time {
		t.Errorf("asOf stayed at %d", cur.asOf)
	}
}

// Whatever else comes back as an id is a gap on every channel, and stays one until the channel has been answered.
func TestCursorOfWhatIsNone(t *testing.T) {
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
		c := newCursor(channels(t, "prices:fx", "alerts:ann"))
		for range 2 { // as it came, and as it is given out until an answer has come
			c.resume(id, time.Now())
			for _, m := range c.marks {
				if m.at.IsUsable() || c.asOf != 0 {
					t.Errorf("%s: %+v, asOf %d", name, m, c.asOf)
				}
			}
			id = c.String()
		}
	}
	future := newCursor(channels(t, "prices:fx"))
	future.asOf = time.Now().Add(time.Hour).UnixMilli()
	c := newCursor(channels(t, "prices:fx"))
	if c.resume(future.String(), time.Now()); c.asOf != 0 {
		t.Errorf("asOf is %d, which no heartbeat can replace for an hour", c.asOf)
	}
}

// An id stays short enough for a header line, however long the IDs of events are, and resumes no later than it says.
func TestCursorIsBounded(t *testing.T) {
	t.Parallel()
	names := make([]string, maxEventChannels)
	for i := range names {
		names[i] = "channel:" + strconv.Itoa(i)
	}
	c := newCursor(channels(t, names...))
	for i := range c.marks {
		c.marks[i].at = realtime.Position{Time: 1_767_225_600_123, ID: strings.Repeat("x", realtime.MaxIDBytes-i)}
	}
	id := c.String()
	if len(id) > 4096 {
		t.Errorf("an id has %d bytes", len(id))
	}
	back := newCursor(channels(t, names...))
	back.resume(id, time.Now())
	for i, m := range back.marks {
		if m.at != c.marks[i].at && (m.at != realtime.Position{Time: c.marks[i].at.Time - 1}) {
			t.Errorf("%s resumes at %+v", m.name, m.at)
		}
	}
}

// Whatever comes makes a cursor that can be written and read again.
func FuzzCursor(f *testing.F) {
	c := newCursor(channels(f, "prices:fx", "alerts:ann"))
	c.asOf = 1_767_225_601_456
	c.marks[1].at = realtime.Position{Time: 1_767_225_600_123, ID: "e1"}
	f.Add(c.String())
	f.Add("!")
	f.Fuzz(func(t *testing.T, id string) {
		first := newCursor(channels(t, "prices:fx", "alerts:ann"))
		first.resume(id, time.Now())
		second := newCursor(channels(t, "prices:fx", "alerts:ann"))
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
