package memory

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/holding"
)

var _ realtime.Occupancies = (*Occupancies)(nil)

// Occupancies is a realtime.Occupancies in memory. It is safe for concurrent use.
type Occupancies struct {
	mu       sync.Mutex // guards all below
	channels map[realtime.Channel]*holding.Record
	swept    int // how many there were when those that nobody needs were last removed
}

// NewOccupancies returns one without channels.
func NewOccupancies() *Occupancies {
	return &Occupancies{channels: map[realtime.Channel]*holding.Record{}}
}

// change does something to the record of a channel.
func (o *Occupancies) change(ctx context.Context, c realtime.Channel, do func(r *holding.Record, now time.Time) error) ([]realtime.ChannelEvent, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.channels[c]
	if r == nil {
		o.sweep()
		r = &holding.Record{}
		o.channels[c] = r
	}
	if err := do(r, time.Now()); err != nil {
		return nil, err
	}
	return r.Events(c), nil
}

// sweep forgets the channels that have been vacated for long enough, whenever there are twice as many.
func (o *Occupancies) sweep() {
	if len(o.channels) < 2*o.swept+1000 {
		return
	}
	now := time.Now()
	maps.DeleteFunc(o.channels, func(_ realtime.Channel, r *holding.Record) bool { return !r.Occupied && !r.Expires.After(now) })
	o.swept = len(o.channels)
}

// Occupy says that an instance has readers on a channel.
func (o *Occupancies) Occupy(ctx context.Context, c realtime.Channel, instance string) ([]realtime.ChannelEvent, error) {
	return o.change(ctx, c, func(r *holding.Record, now time.Time) error { return r.Occupy(instance, now) })
}

// Vacate says that it has none from a moment on.
func (o *Occupancies) Vacate(ctx context.Context, c realtime.Channel, instance string, at time.Time) ([]realtime.ChannelEvent, error) {
	return o.change(ctx, c, func(r *holding.Record, now time.Time) error { return r.Vacate(instance, at, now) })
}

// Settle ends what was to end by now.
func (o *Occupancies) Settle(ctx context.Context, c realtime.Channel, now time.Time) ([]realtime.ChannelEvent, error) {
	return o.change(ctx, c, func(r *holding.Record, _ time.Time) error {
		_, err := r.Settle(now)
		return err
	})
}

// Told says that an event, and those before it, have been published.
func (o *Occupancies) Told(ctx context.Context, last *realtime.ChannelEvent) error {
	_, err := o.change(ctx, last.Channel, func(r *holding.Record, _ time.Time) error {
		r.Told(last)
		return nil
	})
	return err
}

// Held yields the channels that an instance holds.
func (o *Occupancies) Held(ctx context.Context, instance string) iter.Seq2[realtime.Channel, error] {
	return o.where(ctx, func(r *holding.Record) bool {
		_, holds := r.Holders[instance]
		return holds
	})
}

// Due yields the channels that somebody has to look after.
func (o *Occupancies) Due(ctx context.Context, now time.Time) iter.Seq2[realtime.Channel, error] {
	return o.where(ctx, func(r *holding.Record) bool {
		due := r.Due()
		return !due.IsZero() && !due.After(now)
	})
}

func (o *Occupancies) where(ctx context.Context, is func(*holding.Record) bool) iter.Seq2[realtime.Channel, error] {
	return func(yield func(realtime.Channel, error) bool) {
		o.mu.Lock()
		all := slices.Collect(maps.Keys(o.channels))
		all = slices.DeleteFunc(all, func(c realtime.Channel) bool { return !is(o.channels[c]) })
		o.mu.Unlock()
		for _, c := range all {
			if err := ctx.Err(); err != nil {
				yield(realtime.Channel{}, err)
				return
			}
			if !yield(c, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(realtime.Channel{}, err)
		}
	}
}
