package occupancy

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/heap"
)

const (
	atOnce     = 16 // channels that are written of at the same time
	retryMin   = 200 * time.Millisecond
	retryMax   = 30 * time.Second
	callTime   = 10 * time.Second // one attempt, all its calls together
	maxVacant  = 10_000           // channels without readers of which the store is to be told
	complainIn = time.Minute
)

// Options configure a Teller. All but Store and Events are required; without these it tells nobody.
type Options struct {
	Store    realtime.Occupancies
	Events   realtime.ChannelEvents
	Instance string
	Logger   *slog.Logger
	Metrics  realtime.Metrics
}

// Teller is the Audience of a hub. It counts the readers of all channels, so that a rule that changes holds for those that are there. Of a channel whose
// namespace has `lifecycle` it tells the store as often as needed, one call at a time and in the order in which things
// happen, until the store knows what is the case; what happens meanwhile is told once, as what has come of it. It is safe for concurrent use.
type Teller struct {
	o      Options
	ctx    context.Context
	cancel context.CancelFunc
	calls  sync.WaitGroup // attempts

	mu         sync.Mutex // guards all below
	readers    map[realtime.Channel]int
	channels   map[realtime.Channel]*entry // those that the store knows of, or is to be told of
	due        heap.Heap[time.Time, *entry]
	timer      *time.Timer // of what is due first; nil until something was
	running    int
	vacant     int // of channels: those without readers
	handed     int // of channels: those that somebody else would see to
	hurries    int // somebody waits until all is written; more than 0 for ever when the instance ends
	lapses     int
	complained time.Time
	settled    chan struct{} // closed when there is nothing to do; nil unless somebody waits
}

// entry is a channel of which the store knows, or is to be told.
type entry struct {
	c        realtime.Channel
	grace    time.Duration
	until    time.Time // when it counts as vacated; zero while it has readers
	attempts int       // in a row that have failed
	asked    bool      // the store may know that it is occupied here
	said     bool      // it knows
	handed   bool      // the store knows when it is vacated
	busy     bool      // an attempt is under way
	place    int
}

// New returns a Teller. Close it.
func New(o Options) *Teller {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Teller{
		o: o, ctx: ctx, cancel: cancel, readers: map[realtime.Channel]int{}, channels: map[realtime.Channel]*entry{},
		due: heap.Heap[time.Time, *entry]{Less: time.Time.Before, Place: func(e *entry) *int { return &e.place }},
	}
	return t
}

// Joined counts a reader.
func (t *Teller) Joined(c realtime.Channel, rules *realtime.Namespace) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.readers[c]++
	if rules.Lifecycle {
		t.occupied(c, rules)
	}
}

// occupied says that a channel of a namespace with `lifecycle` has readers. t.mu is held.
func (t *Teller) occupied(c realtime.Channel, rules *realtime.Namespace) {
	e := t.channels[c]
	switch {
	case e == nil && t.o.Store == nil:
		t.complain("a namespace has the rule lifecycle, but this gateway has nowhere to publish events; set TIDEWIRE_LIFECYCLE_TOPIC", c, nil)
		return
	case e == nil:
		e = &entry{c: c}
		t.channels[c] = e
	case e.until.IsZero():
		return
	default:
		e.until = time.Time{}
		t.vacant--
		t.hand(e, false)
	}
	e.grace = time.Duration(rules.Presence.WithDefaults().Grace)
	t.plan(e)
}

// Left counts one less.
func (t *Teller) Left(c realtime.Channel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers[c] > 1 {
		t.readers[c]--
		return
	}
	delete(t.readers, c)
	e := t.channels[c]
	if e == nil || !e.until.IsZero() {
		return
	}
	e.until = time.Now().Add(e.grace)
	t.vacant++
	if t.vacant > maxVacant && !e.busy {
		t.complain("too many channels are to be vacated; the janitor ends what this instance leaves", c, nil)
		t.forget(e)
		return
	}
	t.plan(e)
}

// Obey puts the rules of a tenant's document in force for channels that have readers. One that has lost the rule is told of until it is vacated.
func (t *Teller) Obey(doc *realtime.Tenant) {
	asks := false
	for _, n := range doc.Namespaces {
		asks = asks || n.Lifecycle
	}
	if !asks {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.readers {
		if c.Tenant() != doc.ID || t.channels[c] != nil {
			continue
		}
		if rules := doc.Rules(c.Namespace()); rules.Lifecycle {
			t.occupied(c, &rules)
		}
	}
}

// Lapsed says that the lease of this instance had ended before it was renewed: others may have taken it for dead, and ended what it held.
func (t *Teller) Lapsed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lapses++
	for _, e := range t.channels {
		e.said = false
		t.plan(e)
	}
}

// plan says when a channel is next written of, if it is. t.mu is held.
func (t *Teller) plan(e *entry) {
	at := time.Now()
	switch {
	case e.busy:
		return // the end of the attempt plans
	case e.until.IsZero() && e.said:
		t.due.Remove(e)
		return
	case !e.until.IsZero() && !e.asked:
		t.forget(e) // it has come and gone before anybody was told
		return
	case !e.until.IsZero() && (e.handed || t.hurries == 0):
		at = e.until
	}
	if e.attempts > 0 {
		at = laterOf(at, time.Now().Add(backoff(e.attempts)))
	}
	t.due.Set(e, at)
	t.turn()
}

// forget ends what is known of a channel. t.mu is held.
func (t *Teller) forget(e *entry) {
	if !e.until.IsZero() {
		t.vacant--
	}
	t.hand(e, false)
	t.due.Remove(e)
	delete(t.channels, e.c)
	t.rest()
}

// hand notes whether the store knows when a channel is vacated. t.mu is held.
func (t *Teller) hand(e *entry, is bool) {
	if e.handed != is {
		if e.handed = is; is {
			t.handed++
		} else {
			t.handed--
		}
	}
}

// rest tells who waits when there is nothing to do any more. t.mu is held.
func (t *Teller) rest() {
	if t.settled != nil && t.quiet() {
		close(t.settled)
		t.settled = nil
	}
}

// quiet reports whether nothing is to be written that nobody else would. t.mu is held.
func (t *Teller) quiet() bool { return t.running == 0 && t.due.Len() == t.handed }

// complain logs what is wrong, once in a while. t.mu is held.
func (t *Teller) complain(what string, c realtime.Channel, err error) {
	if now := time.Now(); now.Sub(t.complained) >= complainIn {
		t.complained = now
		args := []any{realtime.KeyTenant, c.Tenant(), realtime.KeyChannel, c.Name()}
		if err != nil {
			args = append(args, realtime.KeyError, err)
		}
		t.o.Logger.Warn("events of a channel are not told yet", append(args, realtime.KeyReason, what)...)
	}
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Settled waits until nobody but the store need know anything, or ctx ends: of what has lost its readers it is told at once when that counts as
// vacated, and somebody else will see to it if this instance does not. Readers that come back elsewhere until then have never been away.
func (t *Teller) Settled(ctx context.Context) error {
	t.hurry(1)
	defer t.hurry(-1)
	t.mu.Lock()
	if t.quiet() {
		t.mu.Unlock()
		return nil
	}
	if t.settled == nil {
		t.settled = make(chan struct{})
	}
	settled := t.settled
	t.mu.Unlock()
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *Teller) hurry(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hurries += n
	for _, e := range t.channels {
		if !e.until.IsZero() && !e.handed {
			t.plan(e)
		}
	}
}

// End says that the instance is about to end: from now on the store is told at once of what loses its readers.
func (t *Teller) End() { t.hurry(1) }

// Close waits until all has been told, or ctx ends. What is left is the janitor's, and an error says so.
func (t *Teller) Close(ctx context.Context) error {
	err := t.Settled(ctx)
	t.mu.Lock()
	t.cancel()
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		t.calls.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return fmt.Errorf("tell of %d channels that they may be vacated: %w", len(t.channels)-t.handed, err)
	}
	return nil
}
