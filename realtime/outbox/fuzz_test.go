package outbox_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

func tell(c realtime.Channel, n int) outbox.Frame { return frame(fmt.Sprintf("-%s%d", c.Name(), n)) }

// teller is an Encoder whose notices of what was dropped are short.
type teller struct{ wire.Encoder }

func (teller) Dropped(c realtime.Channel, n int) outbox.Frame { return tell(c, n) }

// FuzzOutbox does the same to an Outbox and to its model and compares what can be seen of
// both after each step.
func FuzzOutbox(f *testing.F) {
	f.Add([]byte{})
	// A queue of two keys that begins to conflate, behind a slot that a writer has taken.
	f.Add([]byte{0, 2, 2, 2, 2, 8, 0, 2, 2, 2, 3, 2, 2})
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		input := make([]byte, 40*(1+i%50))
		for j := range input {
			input[j] = byte(r.IntN(256))
		}
		f.Add(input)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		d := newOutboxDuo(t, input)
		for len(d.input) > 0 {
			d.step()
		}
		d.finish()
	})
}

// outboxDuo is an Outbox and its model.
type outboxDuo struct {
	t        *testing.T
	input    []byte // what is left of it
	channels []realtime.Channel
	box      *outbox.Outbox
	model    outboxModel
	limits   *outbox.Limits
	backlog  []waiting // what the source has
}

func newOutboxDuo(t *testing.T, input []byte) *outboxDuo {
	t.Helper()
	d := &outboxDuo{t: t, input: input, limits: &outbox.Limits{Messages: 4, Bytes: 100}}
	for _, name := range []string{"a", "b", "c"} {
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			t.Fatal(err)
		}
		d.channels = append(d.channels, c)
	}
	d.box, d.model.limits = outbox.New(teller{}, d.limits), *d.limits
	d.box.ReplayFrom(d.refill)
	return d
}

// pick takes a number below n from the input.
func (d *outboxDuo) pick(n int) int {
	if len(d.input) == 0 {
		return 0
	}
	b := int(d.input[0])
	d.input = d.input[1:]
	return b % n
}

func (d *outboxDuo) bytes() []byte { return make([]byte, 1+d.pick(40)) }

func (d *outboxDuo) delivery() outbox.Delivery {
	return outbox.Delivery{
		Frame: outbox.Frame{Bytes: d.bytes()}, Channel: d.channels[d.pick(3)],
		Key:    []string{"", "k", "l", "m", "n", "o"}[d.pick(6)],
		Policy: []realtime.Overflow{"", realtime.OverflowConflate, realtime.OverflowConflate, realtime.OverflowDropOldest, realtime.OverflowDropOldest, realtime.OverflowConflate, realtime.OverflowConflate, realtime.OverflowDisconnect}[d.pick(8)],
	}
}

func (d *outboxDuo) step() {
	switch d.pick(32) {
	case 0:
		d.limits = &outbox.Limits{Messages: 1 + d.pick(8), Bytes: 1 + d.pick(200)}
		d.box.SetLimits(d.limits)
		d.model.limits = *d.limits
	case 1:
		d.limits = &outbox.Limits{Messages: 50 + d.pick(200), Bytes: 100 * d.pick(256)}
		d.box.SetLimits(d.limits)
		d.model.limits = *d.limits
	case 2, 3:
		d.control(d.bytes())
	case 17:
		d.control(make([]byte, 1+200*d.pick(256)))
	case 4, 5, 6, 7:
		d.begin()
	case 8, 9, 10, 11:
		d.next(d.pick(256))
	case 12: // many alike
		some := d.delivery()
		for range d.pick(256) {
			some.Frame.Bytes = make([]byte, len(some.Frame.Bytes))
			some.Channel, some.Key = d.channels[d.pick(3)], fmt.Sprint(d.pick(200))
			d.push(some)
		}
	case 15:
		c := d.channels[d.pick(3)]
		d.box.Forget(c, 0)
		d.model.forget(c)
	case 16:
		d.replay(d.pick(256), 20*d.pick(256))
	case 13:
		if d.pick(16) == 0 {
			last := d.bytes()
			d.box.Close(outbox.Frame{Bytes: last})
			d.model.close([][]byte{last})
		}
	case 14:
		if d.pick(16) == 0 {
			f := d.bytes()
			d.box.Last(outbox.Frame{Bytes: f})
			d.model.control = append(d.model.control, f)
		}
	default:
		d.push(d.delivery())
	}
	d.compare()
}

func (d *outboxDuo) push(x outbox.Delivery) {
	lost, ok := d.box.Push(&x)
	if wantLost, wantOK := d.model.push(x); lost != wantLost || ok != wantOK {
		d.t.Fatalf("push of %q with %q: lost %d, %v; the model %d, %v", x.Key, x.Policy, lost, ok, wantLost, wantOK)
	}
}

func (d *outboxDuo) control(f []byte) {
	if got, want := d.box.Control(outbox.Frame{Bytes: f}), d.model.queueControl(f); got != want {
		d.t.Fatalf("control: %v, the model %v", got, want)
	}
}

// replay begins a replay of some frames; those that have begun go on.
func (d *outboxDuo) replay(frames, size int) {
	for range frames {
		w := waiting{outbox.Delivery{Frame: outbox.Frame{Bytes: make([]byte, 1+size)}, Channel: d.channels[0]}, true}
		d.backlog, d.model.backlog = append(d.backlog, w), append(d.model.backlog, w)
	}
	d.refill()
	d.model.refill()
}

// refill is the source of the Outbox.
func (d *outboxDuo) refill() {
	for len(d.backlog) > 0 {
		if !d.box.Replay(d.backlog[0].Channel, 0, d.backlog[0].Frame) {
			return
		}
		d.backlog = d.backlog[1:]
	}
	d.box.EndReplays()
}

func (d *outboxDuo) begin() {
	if got, want := d.box.Begin(), d.model.begin(); got != want {
		d.t.Fatalf("begin: %v, the model %v", got, want)
	}
}

// next takes as many bytes as a writer that may write; it reports whether it got any.
func (d *outboxDuo) next(most int) bool {
	if !d.model.writing {
		return false
	}
	got := d.box.Next(nil, most)
	control, dropped, data := d.model.next(most)
	if want := len(control) + len(dropped) + len(data); len(got) != want {
		d.t.Fatalf("next: %d frames, the model %d+%d+%d", len(got), len(control), len(dropped), len(data))
	}
	d.same("control", got[:len(control)], control)
	d.same("data", got[len(got)-len(data):], data)
	var told, tells []string
	for _, f := range got[len(control) : len(got)-len(data)] {
		told = append(told, string(f))
	}
	for c, n := range dropped {
		tells = append(tells, string(tell(c, n).Bytes))
	}
	slices.Sort(told)
	slices.Sort(tells)
	if !slices.Equal(told, tells) {
		d.t.Fatalf("dropped: told %q, the model %q", told, tells)
	}
	return len(got) > 0
}

func (d *outboxDuo) same(what string, got, want [][]byte) {
	for i := range want {
		if &got[i][0] != &want[i][0] {
			d.t.Fatalf("%s frame %d is another one than the model's", what, i)
		}
	}
}

func (d *outboxDuo) compare() {
	frames, bytes := d.box.Weight()
	_, wantBytes := d.model.counted()
	wantBytes += d.model.replayed() + d.model.controls()
	if want := len(d.model.data) + len(d.model.control); frames != want || bytes != wantBytes {
		d.t.Fatalf("%d frames, %d bytes; the model %d, %d", frames, bytes, want, wantBytes)
	}
	if d.box.Idle() != d.model.idle() || d.box.Empty() != d.model.empty() {
		d.t.Fatalf("idle %v, empty %v; the model %v, %v", d.box.Idle(), d.box.Empty(), d.model.idle(), d.model.empty())
	}
}

// finish empties both.
func (d *outboxDuo) finish() {
	if !d.model.writing {
		d.begin()
	}
	for d.next(50) {
		d.compare()
	}
	d.compare()
	if !d.box.Empty() {
		d.t.Fatal("something is left")
	}
}

// A key that a writer has taken already must not cost another key its newest value.
func TestOutboxConflatesWhileItIsRead(t *testing.T) {
	t.Parallel()
	for taken := 1; taken < 100; taken += 7 {
		d := newOutboxDuo(t, nil)
		d.limits.Messages, d.limits.Bytes = 100, 1<<20
		d.model.limits = *d.limits
		push := func(key int) {
			d.push(outbox.Delivery{
				Frame: outbox.Frame{Bytes: make([]byte, 4)}, Channel: d.channels[0], Key: fmt.Sprint(key), Policy: realtime.OverflowConflate,
			})
			d.compare()
		}
		for key := range 100 {
			push(key)
		}
		push(99)
		d.begin()
		d.next(4 * taken)
		for key := range 100 {
			push(99 - key) // those that wait first
		}
		d.next(4 * taken)
		for key := range 300 {
			push(key % 100)
		}
		d.finish()
	}
}
