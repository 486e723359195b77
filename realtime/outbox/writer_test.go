package outbox_test

import (
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Whoever helps takes what the writer would, and never takes its place.
func TestHelpersLeaveTheWriter(t *testing.T) {
	t.Parallel()
	o := outbox.New(nil, &outbox.Limits{Messages: 4, Bytes: 1 << 10})
	push := func(s string) {
		o.Push(&outbox.Delivery{Frame: frame(s), Policy: realtime.OverflowDisconnect})
	}
	push("a")
	if !o.Begin() {
		t.Fatal("nothing waits")
	}
	push("b")
	if !o.Filling() {
		t.Error("half of what may wait does")
	}
	if got := outbox.More(o, nil, 1<<10); len(got) != 2 || string(got[0]) != "a" || string(got[1]) != "b" {
		t.Errorf("the helper has %q", got)
	}
	if got := outbox.More(o, nil, 1<<10); len(got) != 0 || o.Filling() {
		t.Errorf("the helper has %q more", got)
	}
	push("c")
	if o.Begin() {
		t.Error("there are two writers")
	}
	if got := o.Next(nil, 1<<10); len(got) != 1 || string(got[0]) != "c" {
		t.Errorf("the writer has %q", got)
	}
	if got := o.Next(nil, 1<<10); len(got) != 0 || o.Begin() {
		t.Errorf("the writer has %q more", got)
	}
}
