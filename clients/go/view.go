package tidewire

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/rows"
	"github.com/tidewire/tidewire/realtime"
)

// KeyedView is the state of a channel as a map that is always true: the newest message of each key, without those that were deleted or have
// expired. Until the first snapshot is complete it is empty; after that it is never half of anything: when a snapshot has to replace it,
// it changes at once. It is safe for concurrent use. Close it.
type KeyedView struct {
	viewer
	rows *rows.Rows[*Message] // guarded by mu
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

// subscribe asks for what a view shows.
func (o *ViewOptions) subscribe(c *Client, name string) (*Subscription, error) {
	return c.Subscribe(name, SubscribeOptions{Filter: o.Filter, Fields: o.Fields, Keys: o.Keys, MaxRate: o.MaxRate, State: true})
}

// View reads the state of a channel, which its namespace must keep.
func (c *Client) View(channel string, o ViewOptions) (*KeyedView, error) {
	if realtime.IsSelection(channel) {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "channel: %q is a pattern; Views reads the states of its channels", channel)
	}
	s, err := o.subscribe(c, channel)
	if err != nil {
		return nil, err
	}
	return newView(s, o.MaxKeys), nil
}

func newView(s *Subscription, most int) *KeyedView {
	v := &KeyedView{rows: rows.New(factsOf)}
	v.begin(s, most, v)
	return v
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
	return inOrder(now)
}

func inOrder(all map[string]*Message) iter.Seq2[string, *Message] {
	return func(yield func(string, *Message) bool) {
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if !yield(key, all[key]) {
				return
			}
		}
	}
}

// Changes waits until something has changed since it was last called, and returns the keys: those that Get does not have are gone. However
// long the caller takes between calls, each key is there once. The error is the end of ctx or of the view.
func (v *KeyedView) Changes(ctx context.Context) (keys []string, err error) {
	err = v.wait(ctx, func() bool {
		keys = v.rows.Changes()
		return len(keys) > 0
	})
	return keys, err
}

func (v *KeyedView) apply(u *Update, now time.Time) (ready bool) {
	show(v.rows, u, now)
	return u.Kind == KindSnapshot && !u.More
}

func (v *KeyedView) sweep(now time.Time) { v.rows.Sweep(now) }
func (v *KeyedView) coming() int         { return v.rows.Coming() }
func (v *KeyedView) hasChanged() bool    { return v.rows.Changed() }
