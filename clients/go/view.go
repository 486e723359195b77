package tidewire

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/rows"
	"github.com/tidewire/tidewire/realtime"
)

// KeyedView is the state of a channel as a map that is always true: the newest message of each key, without those that were deleted or have
// expired. Until the first snapshot is complete it is empty; after that it is never half of anything: when a snapshot has to replace it,
// it changes at once. It is safe for concurrent use. Close it.
type KeyedView struct {
	s       *Subscription
	most    int
	stop    context.CancelFunc
	running sync.WaitGroup
	ready   chan struct{} // closed when it is true for the first time
	changed chan struct{} // holds one, when changes has become more than nothing

	mu   sync.Mutex // guards what follows
	rows *rows.Rows[*Message]
	err  error
}

// factsOf is a message as Rows see it.
func factsOf(m *Message) rows.Facts {
	return rows.Facts{Key: m.Key, Position: m.Position, Time: m.Time, Expires: m.Expires, Cleared: m.Cleared, Gone: m.Deleted || m.Left}
}

// DefaultViewKeys is how many keys a KeyedView holds at most, unless its options say otherwise.
const DefaultViewKeys = 100_000

// ErrViewFull ends a KeyedView of more keys than it may hold.
var ErrViewFull = errors.New("the channel has more keys than the view may hold")

// ViewOptions say what of a channel a KeyedView holds. The zero value holds everything.
type ViewOptions struct {
	Filter       string // as in SubscribeOptions, like the next two
	Fields, Keys []string
	MaxRate      float64
	// MaxKeys is how many keys it may hold; more end it. Default DefaultViewKeys.
	MaxKeys int
}

// View reads the state of a channel, which its namespace must keep.
func (c *Client) View(channel string, o ViewOptions) (*KeyedView, error) {
	s, err := c.Subscribe(channel, SubscribeOptions{Filter: o.Filter, Fields: o.Fields, Keys: o.Keys, MaxRate: o.MaxRate, State: true})
	if err != nil {
		return nil, err
	}
	return newView(s, o.MaxKeys), nil
}

// Tune changes what the view holds, and returns what is applied when the server has sent it.
func (v *KeyedView) Tune(ctx context.Context, t Tuning) (Tuned, error) { return v.s.Tune(ctx, t) }

func newView(s *Subscription, most int) *KeyedView {
	if most <= 0 {
		most = DefaultViewKeys
	}
	ctx, stop := context.WithCancel(context.Background())
	v := &KeyedView{
		s: s, most: most, stop: stop, ready: make(chan struct{}), changed: make(chan struct{}, 1),
		rows: rows.New(factsOf),
	}
	v.running.Go(func() { v.run(ctx) })
	v.running.Go(func() { v.watch(ctx) })
	return v
}

// Ready is closed when the view is true for the first time.
func (v *KeyedView) Ready() <-chan struct{} { return v.ready }

// Err says why the view has ended; nil: it has not. What it holds then is what was true last.
func (v *KeyedView) Err() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

// Get returns the newest message of a key.
func (v *KeyedView) Get(key string) (m *Message, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.rows.Get(key)
}

// Len returns how many keys there are.
func (v *KeyedView) Len() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.rows.Len()
}

// All returns the keys in order, each with its newest message, as they are at the time of the call.
func (v *KeyedView) All() iter.Seq2[string, *Message] {
	v.mu.Lock()
	now := v.rows.All()
	v.mu.Unlock()
	return func(yield func(string, *Message) bool) {
		for _, key := range slices.Sorted(maps.Keys(now)) {
			if !yield(key, now[key]) {
				return
			}
		}
	}
}

// Changes waits until something has changed since it was last called, and returns the keys: those that Get does not have are gone. However
// long the caller takes between calls, each key is there once. The error is the end of ctx or of the view.
func (v *KeyedView) Changes(ctx context.Context) ([]string, error) {
	for {
		v.mu.Lock()
		keys, err := v.rows.Changes(), v.err
		v.mu.Unlock()
		if len(keys) > 0 {
			return keys, nil
		}
		if err != nil {
			return nil, err
		}
		select {
		case <-v.changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Close stops reading the channel, and returns when nothing of the view runs.
func (v *KeyedView) Close() {
	v.stop()
	v.s.Close()
	v.running.Wait()
}

// sweepEvery is how often entries are looked through that expire. The server tells of each, unless it cannot be reached.
const sweepEvery = time.Second

// run applies what comes.
func (v *KeyedView) run(ctx context.Context) {
	for {
		u, err := v.s.Next(ctx)
		if err == nil {
			err = v.apply(&u, time.Now())
		}
		if err != nil {
			v.end(err)
			return
		}
	}
}

// watch sweeps, until ctx ends.
func (v *KeyedView) watch(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			v.sweep(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

func (v *KeyedView) end(err error) {
	if errors.Is(err, context.Canceled) { // by Close
		err = ErrClosed
	}
	v.mu.Lock()
	v.err = err
	v.mu.Unlock()
	v.wake()
}

func (v *KeyedView) wake() {
	select {
	case v.changed <- struct{}{}:
	default:
	}
}

// apply changes the map as an update says.
func (v *KeyedView) apply(u *Update, now time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch u.Kind {
	case KindLive:
		if v.rows.Resume(); !u.Resumed {
			v.rows.Begin()
		}
	case KindSnapshot:
		if u.Reset {
			v.rows.Begin()
		}
		v.rows.Snapshot(u.Entries, u.More, now)
	case KindGap, KindDropped: // a server with state says neither; without, there is nothing to begin from but anew
		v.s.restart()
	case KindMessage:
		v.rows.Apply(u.Message, now)
	}
	if v.rows.Coming() > v.most {
		return &realtime.Error{Code: realtime.CodeTooLarge, Message: fmt.Sprintf("the view may hold %d keys", v.most), Err: ErrViewFull}
	}
	v.tell()
	if u.Kind == KindSnapshot && !u.More {
		v.isReady()
	}
	return nil
}

func (v *KeyedView) isReady() {
	select {
	case <-v.ready:
	default:
		close(v.ready)
	}
}

// tell wakes who waits for changes, if there are any.
func (v *KeyedView) tell() {
	if v.rows.Changed() {
		v.wake()
	}
}

// sweep removes what has expired.
func (v *KeyedView) sweep(now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rows.Sweep(now)
	v.tell()
}
