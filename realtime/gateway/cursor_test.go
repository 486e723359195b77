package gateway

import (
	"encoding/base64"
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
	if err := back.parse(c.String()); err != nil {
		t.Fatal(err)
	}
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
		return wire.Encoder{}.Message(p).Payload()
	}
	for name, c := range map[string]struct {
		frame []byte
		want  realtime.Position
		moved bool
	}{
		"message":          {message("e1"), at("e1"), true},
		"message, escapes": {message(`e "1" \ ü`), at(`e "1" \ ü`), true},
		"message, no ID":   {message(""), at(""), true},
		"ok":               {wire.SubscribeOK("", wire.Subscribed{Channel: names[0], Position: at("e2")}).Payload(), at("e2"), true},
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
	cur.see(wire.SubscribeOK("", wire.Subscribed{Channel: names[1], Position: early}).Payload())
	if cur.asOf != early.Time {
		t.Errorf("asOf stayed at %d", cur.asOf)
	}
}

func TestCursorRefuses(t *testing.T) {
	t.Parallel()
	raw := base64.RawURLEncoding.EncodeToString
	for name, id := range map[string]string{
		"empty":           "",
		"no base64":       "!!!!",
		"padding":         "AQA=",
		"another version": raw([]byte{9, 0}),
		"no asOf":         raw([]byte{1}),
		"endless asOf":    raw([]byte{1, 255, 255, 255}),
		"far asOf":        raw([]byte{1, 255, 255, 255, 255, 255, 255, 255, 1}),
		"half a channel":  raw([]byte{1, 0, 1, 2, 3}),
		"no time":         raw([]byte{1, 0, 1, 2, 3, 4, 5, 6, 7, 8}),
		"short ID":        raw([]byte{1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 5, 9, 'x'}),
		"control in ID":   raw([]byte{1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 5, 1, 7}),
		"not UTF-8":       raw([]byte{1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 5, 1, 255}),
		"long":            strings.Repeat("A", 100_000),
	} {
		if err := newCursor(channels(t, "prices:fx")).parse(id); err == nil || err.Code != realtime.CodeBadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever comes is refused, or makes a cursor that can be written and read again.
func FuzzCursor(f *testing.F) {
	c := newCursor(channels(f, "prices:fx", "alerts:ann"))
	c.asOf = 1_767_225_601_456
	c.marks[1].at = realtime.Position{Time: 1_767_225_600_123, ID: "e1"}
	f.Add(c.String())
	f.Add("")
	f.Fuzz(func(t *testing.T, id string) {
		first := newCursor(channels(t, "prices:fx", "alerts:ann"))
		if first.parse(id) != nil {
			return
		}
		second := newCursor(channels(t, "prices:fx", "alerts:ann"))
		if err := second.parse(first.String()); err != nil {
			t.Fatalf("%q became %q, which is refused: %v", id, first.String(), err)
		}
		for i := range first.marks {
			if first.marks[i].at != second.marks[i].at {
				t.Fatalf("%+v became %+v", first.marks[i], second.marks[i])
			}
		}
	})
}
