package realtimetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// outcomes are what became of messages, by ID. A failure is told either before the next message is handed over or after that, so
// that nothing is handed over once a failure is known.
type outcomes struct {
	each chan struct{} // one per call of done

	mu    sync.Mutex // guards what follows
	errs  map[string]error
	under string    // the ID of what is being handed over, or empty
	free  sync.Cond // told when that comes to its end
}

func newOutcomes(n int) *outcomes {
	o := &outcomes{errs: map[string]error{}, each: make(chan struct{}, n)}
	o.free.L = &o.mu
	return o
}

// handOver calls publish with the done of a message, unless stop is the ID of one that is known to have failed.
func (o *outcomes) handOver(id, stop string, publish func(done func(error))) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.errs[stop] != nil {
		return false
	}
	o.under = id
	o.mu.Unlock()
	publish(func(err error) { o.done(id, err) })
	o.mu.Lock()
	o.under = ""
	o.free.Broadcast()
	return true
}

func (o *outcomes) done(id string, err error) {
	o.mu.Lock()
	for err != nil && o.under != "" && o.under != id {
		o.free.Wait()
	}
	o.errs[id] = err
	o.mu.Unlock()
	o.each <- struct{}{}
}

func (o *outcomes) of(id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.errs[id]
}

// afterAFailure: a publisher that does not wait hears that one failed. Whatever it had handed over behind that one fails as well, and when
// it publishes all that failed again, everything has come in order. Other channels do not notice.
func afterAFailure(b *bed) {
	r, c, other := b.first(), b.channel("acme", "prices"), b.channel("acme", "other")
	var all, elsewhere []string
	for round := range 3 {
		ids := b.handOverUntilAFailure(c, other, round)
		all = append(all, ids...)
		elsewhere = append(elsewhere, "o-"+ids[0])
	}
	r.read(len(all) + len(elsewhere))
	if diff := cmp.Diff(all, r.ids(c)); diff != "" {
		b.Errorf("(-published +received):\n%s", diff)
	}
	if diff := cmp.Diff(elsewhere, r.ids(other)); diff != "" {
		b.Errorf("the other channel (-published +received):\n%s", diff)
	}
}

// handOverUntilAFailure hands messages over to a channel until it is known that one has failed, and then what failed again until all of
// it is stored. It returns their IDs.
func (b *bed) handOverUntilAFailure(c, other realtime.Channel, round int) (ids []string) {
	b.Helper()
	const before, most = 5, 200
	o := newOutcomes(most + 1)
	bad := fmt.Sprintf("%d-%d", round, before)
	for i := range most {
		m := event(c, fmt.Sprintf("%d-%d", round, i))
		if m.ID == bad {
			b.backend.Fail(b.T, m)
		}
		if !o.handOver(m.ID, bad, func(done func(error)) { b.broker.Publish(b.Context(), b.topic, m, done) }) {
			break
		}
		ids = append(ids, m.ID)
		if i == before+1 {
			o.handOver("other", "", func(done func(error)) { b.broker.Publish(b.Context(), b.topic, event(other, "o-"+ids[0]), done) })
		}
		if i > before {
			<-time.After(5 * time.Millisecond)
		}
	}
	b.await(o, len(ids)+1)
	if err := o.of("other"); err != nil {
		b.Errorf("what was published to another channel: %v", err)
	}
	var again []string
	for i, id := range ids {
		err := o.of(id)
		switch code := realtime.CodeOf(err); {
		case err == nil && i >= before:
			b.Errorf("%s was stored, though %s failed before it", id, bad)
		case err != nil && code != realtime.CodeUnavailable && code != realtime.CodeLimited:
			b.Errorf("%s failed with %s, want %s: %v", id, code, realtime.CodeUnavailable, err)
		}
		if err != nil {
			again = append(again, id)
		}
	}
	for _, id := range again {
		b.publishAgain(event(c, id))
	}
	return ids
}

// publishAgain publishes a message to a channel of which the failure is known. While a call of done has not returned, the channel may still
// refuse messages.
func (b *bed) publishAgain(m *realtime.Message) {
	b.Helper()
	stored := make(chan error, 1)
	for late := time.After(b.harness.Patience); ; {
		b.broker.Publish(b.Context(), b.topic, m, func(err error) { stored <- err })
		select {
		case err := <-stored:
			if err == nil {
				return
			}
			if code := realtime.CodeOf(err); code != realtime.CodeUnavailable && code != realtime.CodeLimited {
				b.Fatalf("publish again: %v", err)
			}
			<-time.After(time.Millisecond)
		case <-late:
			b.Fatalf("publish again: not stored within %v", b.harness.Patience)
		}
	}
}

// await waits for n calls of done.
func (b *bed) await(o *outcomes, n int) {
	b.Helper()
	late := time.After(b.harness.Patience)
	for i := range n {
		select {
		case <-o.each:
		case <-late:
			b.Fatalf("%d of %d calls of done within %v", i, n, b.harness.Patience)
		}
	}
}
