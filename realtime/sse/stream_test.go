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
		c := patterned(t, false)
		for range 2 { // as it came, and as it is given out until an answer has come
			c.Resume(id, time.Now())
			for _, m := range c.marks {
				if m.at.IsUsable() || c.asOf != 0 {
					t.Errorf("%s: %+v, asOf %d", name, m, c.asOf)
				}
			}
			if r := c.Roaming(0); !r.Lost || r.AsOf != 0 {
				t.Errorf("%s: it says of a pattern %+v", name, r)
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
	f.Add(c.String(), false)
	f.Add("!", true)
	for _, state := range []bool{false, true} {
		c := patterned(f, state)
		c.Append(new(bytes.Buffer), Encoder{}.PatternOK("fleet:*", realtime.Moment(time.UnixMilli(1_767_225_600_000)), state, false).Bytes)
		c.Append(new(bytes.Buffer), Encoder{}.Subscribed("", channels(f, "fleet:eu")[0], outbox.Answer{Position: realtime.Position{Time: 1_767_225_600_123, ID: "e1"}, State: state, Resumed: true, View: "v"}).Bytes)
		f.Add(c.String(), state)
	}
	f.Fuzz(func(t *testing.T, id string, state bool) {
		first, second := patterned(t, state), patterned(t, state)
		first.Resume(id, time.Now())
		if !second.parse(first.String(), time.Now()) {
			t.Fatalf("%q became %q, which is refused", id, first.String())
		}
		for i := range first.marks {
			if first.marks[i].at != second.marks[i].at {
				t.Fatalf("%+v became %+v", first.marks[i], second.marks[i])
			}
		}
		if diff := cmp.Diff(standing(first), standing(second)); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
	})
}

func patterned(t testing.TB, state bool) *Stream {
	s := NewStream(channels(t, "prices:fx", "alerts:ann"))
	s.Select([]realtime.Pattern{"fleet:*", "news:**"}, state)
	return s
}

// standing is where a stream stands in the channels of its first pattern.
func standing(s *Stream) map[string]string {
	r := s.Roaming(0)
	all := map[string]string{"as of": strconv.FormatInt(r.AsOf, 10), "lost": strconv.FormatBool(r.Lost)}
	r.Each(func(name string, at realtime.Position, view string) { all["channel "+name] = at.String() + " " + view })
	return all
}

// Of what happens in a pattern's channels, a stream goes on where it stands. What it has not said it has not had, and it says it once as much has been sent as an id is long.
func TestStreamOfPatterns(t *testing.T) {
	t.Parallel()
	names := channels(t, "fleet:eu", "fleet:us", "other:one")
	const ms = 1_767_225_600_000
	s, out := patterned(t, false), new(bytes.Buffer)
	says := func(f outbox.Frame, ids int, want map[string]string) {
		t.Helper()
		out.Reset()
		s.Append(out, f.Bytes)
		if n := strings.Count(out.String(), "id: "); n != ids {
			t.Errorf("%d ids, want %d: %s", n, ids, out)
		}
		back := patterned(t, false)
		back.Resume(s.String(), time.Now())
		for _, s := range []*Stream{s, back} {
			if diff := cmp.Diff(want, standing(s)); diff != "" {
				t.Errorf("behind %s (-want +has):\n%s", out, diff)
			}
		}
	}
	message := func(c realtime.Channel, at int64) outbox.Frame {
		f, _ := Encoder{}.Message(&realtime.Publication{Channel: c, ID: "e", Time: time.UnixMilli(at), Data: []byte("1")})
		return f
	}
	begun := map[string]string{"as of": strconv.Itoa(ms), "lost": "false"}
	says(Encoder{}.PatternOK("fleet:*", realtime.Position{Time: ms}, false, false), 1, begun)
	eu := map[string]string{"as of": strconv.Itoa(ms), "lost": "false", "channel fleet:eu": strconv.Itoa(ms+1) + "-e "}
	says(message(names[0], ms+1), 1, eu)
	says(message(names[2], ms+2), 0, eu)
	both := map[string]string{"as of": strconv.Itoa(ms), "lost": "false", "channel fleet:eu": strconv.Itoa(ms+1) + "-e ", "channel fleet:us": strconv.Itoa(ms+90_000) + "-e "}
	says(message(names[1], ms+90_000), 1, both)
	both["as of"] = strconv.Itoa(ms + 60_000)
	says(Encoder{}.Heartbeat(realtime.Position{Time: ms + 60_000}), 1, both)
	delete(both, "channel fleet:eu") // asOf stands for it
	both["as of"] = strconv.Itoa(ms + 60_002)
	says(Encoder{}.Heartbeat(realtime.Position{Time: ms + 60_002}), 1, both)
}

// However many channels a pattern has, an id is short, and says nothing that is not so: of events it has the newest, of states all or none.
func TestIDOfManyChannelsIsBounded(t *testing.T) {
	t.Parallel()
	for _, state := range []bool{false, true} {
		for _, n := range []int{10, 60, 1000} {
			s, out, held := patterned(t, state), new(bytes.Buffer), map[string]string{}
			s.Append(out, Encoder{}.PatternOK("fleet:*", realtime.Position{Time: 1_767_225_600_000}, state, false).Bytes)
			total := 0
			for i := range n {
				c := channels(t, "fleet:"+strconv.Itoa(i))[0]
				at := realtime.Position{Time: 1_767_225_600_000 + int64(i), ID: "event-" + strconv.Itoa(i)}
				held["channel "+c.Name()] = at.String() + " "
				f := Encoder{}.Subscribed("", c, outbox.Answer{Position: at, State: state, Resumed: true})
				s.Append(out, f.Bytes)
				total += len(f.Bytes)
			}
			id := s.String()
			if len(id) > 4096 || len(s.roaming.marks) > maxRoaming {
				t.Errorf("an id of %d channels has %d bytes, and %d of them are kept", n, len(id), len(s.roaming.marks))
			}
			if !state && out.Len() > 3*total+2*4096 {
				t.Errorf("with ids, %d bytes are %d", total, out.Len())
			}
			back := patterned(t, state)
			back.Resume(id, time.Now())
			has := standing(back)
			newest, known := has["channel fleet:"+strconv.Itoa(n-1)], len(has)-2
			for name, at := range has {
				if strings.HasPrefix(name, "channel ") && held[name] != at {
					t.Errorf("it stands at %s in %s", at, name)
				}
			}
			switch whole := n < 100; {
			case whole && known != n, !whole && state && (known != 0 || has["lost"] != "true"), !whole && !state && (newest == "" || known < 30 || has["lost"] != "false"):
				t.Errorf("of %d channels, state %t, it says %v", n, state, has)
			}
		}
	}
}

// The id of a stream of events says nothing of states, nor that of one pattern of another.
func TestStreamOfOtherPatterns(t *testing.T) {
	t.Parallel()
	s := patterned(t, false)
	s.Append(new(bytes.Buffer), Encoder{}.PatternOK("fleet:*", realtime.Position{Time: 1_767_225_600_000}, false, false).Bytes)
	s.Append(new(bytes.Buffer), Encoder{}.Subscribed("", channels(t, "fleet:eu")[0], outbox.Answer{Position: realtime.Position{Time: 1_767_225_600_001, ID: "e"}}).Bytes)
	nothing := map[string]string{"as of": "0", "lost": "false"}
	states, other := patterned(t, true), NewStream(nil)
	other.Select([]realtime.Pattern{"fleet:**"}, false)
	for _, back := range []*Stream{states, other} {
		back.Resume(s.String(), time.Now())
		if diff := cmp.Diff(nothing, standing(back)); diff != "" {
			t.Errorf("(-want +has):\n%s", diff)
		}
	}
}
