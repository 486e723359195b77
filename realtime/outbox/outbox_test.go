package outbox_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

func frame(s string) outbox.Frame { return outbox.Frame{Bytes: []byte(s)} }

func ticks(t *testing.T) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel("acme", "ticks")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// drain empties the outbox as a writer would.
func drain(t *testing.T, o *outbox.Outbox) string {
	t.Helper()
	if !o.Begin() {
		return ""
	}
	var out []string
	for {
		frames := o.Next(nil, 8)
		if len(frames) == 0 {
			return strings.Join(out, " ")
		}
		for _, f := range frames {
			out = append(out, string(f))
		}
	}
}

func TestOutboxPolicies(t *testing.T) {
	t.Parallel()
	c := ticks(t)
	for name, tc := range map[string]struct {
		policy realtime.Overflow
		keys   string // one key a push; '.' is none
		want   string
		lost   int
		full   bool
	}{
		"fits":                        {realtime.OverflowDisconnect, "abcd", "a0 b1 c2 d3", 0, false},
		"disconnect":                  {realtime.OverflowDisconnect, "abcde", "", 0, true},
		"drop oldest":                 {realtime.OverflowDropOldest, "abcdef", "-ticks2 c2 d3 e4 f5", 2, false},
		"conflate keeps the newest":   {realtime.OverflowConflate, "abababcd", "a4 b5 c6 d7", 4, false},
		"conflate below the limit":    {realtime.OverflowConflate, "aaaa", "a0 a1 a2 a3", 0, false},
		"conflate, all keys differ":   {realtime.OverflowConflate, "abcdef", "-ticks2 c2 d3 e4 f5", 2, false},
		"conflate without keys":       {realtime.OverflowConflate, "......", "-ticks2 .2 .3 .4 .5", 2, false},
		"conflate goes on while full": {realtime.OverflowConflate, "aaaaabababab", "a10 b11", 10, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := outbox.New(teller{}, &outbox.Limits{Messages: 4, Bytes: 1 << 20})
			lost, full := 0, false
			for i, k := range tc.keys {
				d := outbox.Delivery{Channel: c, Policy: tc.policy, Frame: frame(fmt.Sprintf("%c%d", k, i))}
				if k != '.' {
					d.Key = string(k)
				}
				n, ok := o.Push(&d)
				lost += n
				full = full || !ok
			}
			if got := drain(t, o); got != tc.want || lost != tc.lost || full != tc.full {
				t.Errorf("got %q lost %d full %v, want %q %d %v", got, lost, full, tc.want, tc.lost, tc.full)
			}
			if n, bytes := o.Len(); n != 0 || bytes != 0 {
				t.Errorf("%d frames and %d bytes are left over", n, bytes)
			}
		})
	}
}

func TestOutboxControlOvertakes(t *testing.T) {
	t.Parallel()
	o := outbox.New(teller{}, &outbox.Limits{Messages: 4, Bytes: 1 << 20})
	o.Push(&outbox.Delivery{Frame: frame("data")})
	o.Control(frame("ping"))
	if o.Idle() {
		t.Error("data waits, but the outbox says it is idle")
	}
	if got := drain(t, o); got != "ping data" {
		t.Errorf("got %q", got)
	}
}

func TestOutboxAnswersDoNotCount(t *testing.T) {
	t.Parallel()
	o := outbox.New(teller{}, &outbox.Limits{Messages: 2, Bytes: 1 << 20})
	for range 10 {
		if _, ok := o.Push(&outbox.Delivery{Frame: frame("r")}); !ok {
			t.Fatal("a replay was refused")
		}
	}
	if _, ok := o.Push(&outbox.Delivery{Frame: frame("x"), Policy: realtime.OverflowDisconnect}); !ok {
		t.Error("a replay was counted against what follows it")
	}
}

func TestOutboxBytes(t *testing.T) {
	t.Parallel()
	c := ticks(t)
	o := outbox.New(teller{}, &outbox.Limits{Messages: 100, Bytes: 10})
	for i := range 5 {
		o.Push(&outbox.Delivery{Frame: frame(fmt.Sprintf("four%d", i)), Channel: c, Policy: realtime.OverflowDropOldest})
	}
	if got := drain(t, o); got != "-ticks3 four3 four4" {
		t.Errorf("got %q", got)
	}
	if _, ok := o.Push(&outbox.Delivery{Frame: frame(strings.Repeat("x", 100)), Policy: realtime.OverflowDisconnect}); !ok {
		t.Error("one message larger than the queue does not pass an empty one")
	}
}

func TestOutboxClose(t *testing.T) {
	t.Parallel()
	o := outbox.New(teller{}, &outbox.Limits{Messages: 1, Bytes: 10})
	push := func() bool {
		_, ok := o.Push(&outbox.Delivery{Frame: frame("d"), Policy: realtime.OverflowDisconnect})
		return ok
	}
	if !push() || push() {
		t.Fatal("the second push was to overflow")
	}
	o.Close(frame("bye"))
	o.Control(frame("late"))
	if !push() {
		t.Error("a push after the end is no overflow")
	}
	if got := drain(t, o); got != "bye" {
		t.Errorf("got %q", got)
	}
}

func TestOutboxOneWriter(t *testing.T) {
	t.Parallel()
	o := outbox.New(teller{}, &outbox.Limits{Messages: 10, Bytes: 1 << 20})
	if o.Begin() {
		t.Error("there is nothing to write")
	}
	o.Push(&outbox.Delivery{Frame: frame("d")})
	if !o.Begin() || o.Begin() {
		t.Error("there is to be exactly one writer")
	}
	o.Next(nil, 100)
	o.Push(&outbox.Delivery{Frame: frame("e")})
	if o.Begin() {
		t.Error("the first has not finished")
	}
	if got := o.Next(nil, 100); len(got) != 1 {
		t.Errorf("got %d frames", len(got))
	}
	if got := o.Next(nil, 100); len(got) != 0 {
		t.Errorf("got %d frames", len(got))
	}
	o.Push(&outbox.Delivery{Frame: frame("f")})
	if !o.Begin() {
		t.Error("nobody writes, so the next may")
	}
}

func TestOutboxSteadyStateAllocatesNothing(t *testing.T) {
	o := outbox.New(teller{}, &outbox.Limits{Messages: 10, Bytes: 1 << 20})
	d := outbox.Delivery{Frame: frame("d"), Channel: ticks(t), Key: "k", Policy: realtime.OverflowConflate}
	buf := make([][]byte, 0, 8)
	if n := testing.AllocsPerRun(1000, func() {
		o.Push(&d)
		if !o.Begin() {
			t.Error("nothing to write")
		}
		for len(o.Next(buf, 100)) > 0 { //nolint:revive // the writer's loop
		}
	}); n > 0 {
		t.Errorf("%v allocations a delivery", n)
	}
}

// A source of replays that panics is its caller's matter: the outbox can be used, and closed, as before.
func TestSourcePanics(t *testing.T) {
	t.Parallel()
	o := outbox.New(nil, nil)
	o.LimitReplays(2)
	o.ReplayFrom(func() { panic("spoilt") })
	c := realtime.Channel{}
	o.Replay(c, 0, frame("a"))
	o.Replay(c, 0, frame("b")) // no room: there is more
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is swallowed")
			}
		}()
		for len(o.Start(nil, 1)) > 0 {
			o.Next(nil, 1)
		}
	}()
	o.Close()
	if !o.Empty() {
		t.Error("it is not empty after Close")
	}
}
