package realtimetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

// outcomes are what became of messages, by ID.
type outcomes struct {
	mu   sync.Mutex // guards what follows
	errs map[string]error
	each chan struct{} // one per call of done
}

func newOutcomes(n int) *outcomes {
	return &outcomes{errs: map[string]error{}, each: make(chan struct{}, n)}
}

func (o *outcomes) done(id string) func(error) {
	return func(err error) {
		o.mu.Lock()
		o.errs[id] = err
		o.mu.Unlock()
		o.each <- struct{}{}
	}
}

// of returns what became of a message, and whether that is known.
func (o *outcomes) of(id string) (known bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	err, known = o.errs[id]
	return known, err
}

// afterAFailure: a publisher that does not wait hears that one failed. Whatever it had handed over behind that one fails as well, and when
// it publishes all that failed again, everything has come in order. Other channels do not notice.
func (b *bed) afterAFailure() {
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
		if known, _ := o.of(bad); known {
			break
		}
		b.broker.Publish(b.Context(), b.topic, m, o.done(m.ID))
		ids = append(ids, m.ID)
		if i == before+1 {
			b.broker.Publish(b.Context(), b.topic, event(other, "o-"+ids[0]), o.done("other"))
		}
		if i > before {
			<-time.After(5 * time.Millisecond)
		}
	}
	b.await(o, len(ids)+1)
	if _, err := o.of("other"); err != nil {
		b.Errorf("what was published to another channel: %v", err)
	}
	var again []string
	for i, id := range ids {
		_, err := o.of(id)
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
	for _, id := range again { // once the failure is known, the channel takes messages
		b.publish(b.broker, b.topic, event(c, id))
	}
	return ids
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
