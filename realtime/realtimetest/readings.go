package realtimetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

func (d *durableBed) goesOn() {
	r := d.read(d.broker, realtime.Reading{Name: "keeper"})
	d.publishes("a", "1", "2", "3")
	r.gets("1", "2", "3")
	r.ack()
	d.publishes("a", "4")
	r.gets("4")
	r.ack()
	r.close()
	d.publishes("a", "5", "6")
	r = d.read(d.other, realtime.Reading{Name: "keeper"})
	if !r.stream.From().IsZero() {
		d.Errorf("a reading that goes on begins at %v", r.stream.From())
	}
	r.gets("5", "6")
	r.close()
}

func (d *durableBed) comesAgain() {
	r := d.read(d.broker, realtime.Reading{Name: "keeper"})
	d.publishes("a", "1")
	r.gets("1")
	r.ack()
	d.publishes("a", "2", "3", "4")
	r.gets("2", "3", "4")
	r.close()
	d.publishes("a", "5")
	r = d.read(d.other, realtime.Reading{Name: "keeper"})
	r.gets("2", "3", "4", "5")
	r.close()
}

func (d *durableBed) acknowledgesWhatWasReturned() {
	r := d.read(d.broker, realtime.Reading{Name: "keeper"})
	d.publishes("a", "1")
	r.gets("1")
	d.publishes("a", "2", "3")
	r.ack()
	r.close()
	r = d.read(d.other, realtime.Reading{Name: "keeper"})
	r.gets("2", "3")
	r.close()
}

func (d *durableBed) beginsWithWhatIsKept() {
	d.publishes("a", "1", "2")
	r := d.read(d.broker, realtime.Reading{Name: "keeper"})
	if from := r.stream.From(); from.IsZero() || from.After(time.Now()) {
		d.Errorf("a reading that begins says %v", from)
	}
	r.gets("1", "2")
	d.publish(d.broker, d.topic, &realtime.Message{Kind: realtime.KindPulse, Origin: "i1", Publication: realtime.Publication{ID: "pulse"}})
	r.gets("pulse")
	r.close()
}

// back: it brings again what was acknowledged.
func (d *durableBed) back() {
	r := d.read(d.broker, realtime.Reading{Name: "keeper"})
	d.publishes("a", "1", "2")
	r.gets("1", "2")
	r.ack()
	r.close()
	r = d.read(d.other, realtime.Reading{Name: "keeper", Back: true})
	if from := r.stream.From(); from.IsZero() || from.After(time.Now()) {
		d.Errorf("a reading that goes back says %v", from)
	}
	r.gets("1", "2")
	r.ack()
	r.close()
	d.publishes("a", "3")
	r = d.read(d.other, realtime.Reading{Name: "keeper"})
	r.gets("3")
	r.close()
}

func (d *durableBed) readingsAreApart() {
	first, second := d.read(d.broker, realtime.Reading{Name: "first"}), d.read(d.broker, realtime.Reading{Name: "second"})
	d.publishes("a", "1", "2")
	first.gets("1", "2")
	first.ack()
	second.gets("1", "2")
	second.close()
	first.close()
	second = d.read(d.other, realtime.Reading{Name: "second"})
	second.gets("1", "2")
	second.close()
}

// ends: a reading that was ended begins anew.
func (d *durableBed) ends() {
	r := d.read(d.broker, realtime.Reading{Name: "keeper"})
	d.publishes("a", "1")
	r.gets("1")
	r.ack()
	r.close()
	reader, _ := d.other.(realtime.DurableReader)
	for range 2 {
		if err := reader.EndReading(d.Context(), d.topic, "keeper"); err != nil {
			d.Fatal(err)
		}
	}
	r = d.read(d.other, realtime.Reading{Name: "keeper"})
	if r.stream.From().IsZero() {
		d.Error("a reading that was ended goes on")
	}
	r.gets("1")
	r.close()
}

// outlivesItsBroker: a reading is where it was when a process ends, in order or not.
func (d *durableBed) outlivesItsBroker() {
	gone := d.backend.Open(d.T)
	r := d.read(gone, realtime.Reading{Name: "keeper"})
	d.publishes("a", "1")
	r.gets("1")
	r.ack()
	d.publishes("a", "2", "3")
	r.gets("2", "3")
	if err := gone.Close(d.Context()); err != nil {
		d.Error(err)
	}
	r = d.read(d.other, realtime.Reading{Name: "keeper"})
	r.gets("2", "3")
	r.close()
}

// many: it brings more than a Hub would let wait, before anything is acknowledged, each channel in order.
func (d *durableBed) many() {
	r := d.read(d.broker, realtime.Reading{Name: "keeper"})
	const n = 4500
	var all []*realtime.Message
	for i := range n {
		all = append(all, event(d.channel("acme", string(rune('a'+i%3))), fmt.Sprint(i)))
	}
	d.publish(d.broker, d.topic, all...)
	ctx, cancel := context.WithTimeout(d.Context(), d.harness.Patience)
	defer cancel()
	next := map[realtime.Channel]int{}
	for seen := 0; seen < n; {
		batch, err := r.stream.Receive(ctx)
		if err != nil {
			d.Fatalf("after %d of %d: %v", seen, n, err)
		}
		for _, m := range batch {
			i := next[m.Channel]
			if want := fmt.Sprint(3*i + int(m.Channel.Name()[0]-'a')); m.ID != want {
				d.Fatalf("%v: got %s, want %s", m.Channel, m.ID, want)
			}
			next[m.Channel]++
			seen++
		}
	}
	r.ack()
	d.publishes("a", "last")
	r.close()
	r = d.read(d.other, realtime.Reading{Name: "keeper"})
	r.gets("last")
	r.close()
}

// twoAtATime: what comes to one of two that does not acknowledge it is not lost.
func (d *durableBed) twoAtATime() {
	first, second := d.read(d.broker, realtime.Reading{Name: "keeper"}), d.read(d.other, realtime.Reading{Name: "keeper"})
	d.publishes("a", "1", "2")
	d.publishes("b", "3", "4")
	first.close()
	seen := map[string]bool{}
	ctx, cancel := context.WithTimeout(d.Context(), d.harness.Patience)
	defer cancel()
	for len(seen) < 4 {
		batch, err := second.stream.Receive(ctx)
		if err != nil && !errors.Is(err, realtime.ErrBroken) {
			d.Fatalf("after %v: %v", seen, err)
		}
		for _, m := range batch {
			seen[m.ID] = true
		}
	}
	second.close()
}

func (d *durableBed) unknownTopic() {
	reader, _ := d.broker.(realtime.DurableReader)
	if _, err := reader.Read(d.Context(), "no-such-topic", realtime.Reading{Name: "keeper"}); realtime.CodeOf(err) != realtime.CodeNotFound {
		d.Errorf("got %v, want %s", err, realtime.CodeNotFound)
	}
}

func (d *durableBed) cancelled() {
	r := d.read(d.broker, realtime.Reading{Name: "keeper"})
	ctx, cancel := context.WithCancel(d.Context())
	cancel()
	if _, err := r.stream.Receive(ctx); err == nil || errors.Is(err, realtime.ErrBroken) {
		d.Errorf("Receive with a cancelled context: %v", err)
	}
	reader, _ := d.broker.(realtime.DurableReader)
	if _, err := reader.Read(ctx, d.topic, realtime.Reading{Name: "keeper"}); err == nil {
		d.Error("Read with a cancelled context returned no error")
	}
	for _, name := range []string{"", "A", "a/b"} {
		if _, err := reader.Read(d.Context(), d.topic, realtime.Reading{Name: name}); realtime.CodeOf(err) != realtime.CodeBadRequest {
			d.Errorf("the name %q: %v", name, err)
		}
	}
	d.publishes("a", "1")
	r.gets("1")
	r.close()
	if _, err := r.stream.Receive(d.Context()); err == nil {
		d.Error("Receive of a stream that is closed returned no error")
	}
}
