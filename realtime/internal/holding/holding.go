// Package holding is what a realtime.Occupancies keeps of one channel, in whatever store: which instances hold it, and what is untold of it.
package holding

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Record is that of one channel. The zero value is that of one of which nothing is known. It is not safe for concurrent use.
type Record struct {
	Epoch      string
	Generation int64
	Occupied   bool
	// Holders are the instances that have readers, with the moment when they have none any more; zero as long as that is not known.
	Holders map[string]time.Time
	Untold  []realtime.ChannelEvent // without their Channel, the oldest first
	Expires time.Time               // when it is forgotten; zero while the channel is occupied
}

// begin forgets what is too old.
func (r *Record) begin(now time.Time) {
	if !r.Occupied && !r.Expires.After(now) {
		*r = Record{}
	}
	if r.Epoch == "" {
		r.Epoch, r.Expires = rand.Text()[:16], now.Add(realtime.OccupancyKept)
	}
	if r.Holders == nil {
		r.Holders = map[string]time.Time{}
	}
}

// Occupy is that of realtime.Occupancies.
func (r *Record) Occupy(instance string, now time.Time) error {
	r.begin(now)
	if !r.Occupied {
		if err := r.becomes(true, now); err != nil {
			return err
		}
	}
	r.Holders[instance] = time.Time{}
	r.prune()
	return nil
}

// Vacate is that of realtime.Occupancies.
func (r *Record) Vacate(instance string, at, now time.Time) error {
	r.begin(now)
	if _, holds := r.Holders[instance]; holds {
		if r.Holders[instance] = at; !at.After(now) {
			r.Holders[instance] = now
		}
	}
	return r.settle(now)
}

// Settle is that of realtime.Occupancies. It reports whether anything has changed.
func (r *Record) Settle(now time.Time) (bool, error) {
	if !r.Occupied || r.ends().After(now) || r.ends().IsZero() {
		return false, nil
	}
	return true, r.settle(now)
}

func (r *Record) settle(now time.Time) error {
	if ends := r.ends(); r.Occupied && !ends.IsZero() && !ends.After(now) {
		if err := r.becomes(false, now); err != nil {
			return err
		}
		clear(r.Holders)
		r.Expires = now.Add(realtime.OccupancyKept)
		return nil
	}
	r.prune()
	return nil
}

// prune removes who was to end, if somebody else has readers: so there is one at most, and it is alone.
func (r *Record) prune() {
	if !r.ends().IsZero() {
		return
	}
	for instance, ends := range r.Holders {
		if !ends.IsZero() {
			delete(r.Holders, instance)
		}
	}
}

// ends returns when the last holder ends; zero if that is not known, or there is none.
func (r *Record) ends() (at time.Time) {
	for _, at = range r.Holders {
		if at.IsZero() {
			break
		}
	}
	return at
}

func (r *Record) becomes(occupied bool, now time.Time) error {
	if len(r.Untold) >= realtime.MaxUntold {
		return &realtime.Error{Code: realtime.CodeUnavailable, Message: "too many events of the channel are untold", RetryAfter: time.Second}
	}
	if r.Occupied = occupied; occupied {
		r.Generation++
		r.Expires = time.Time{}
	}
	r.Untold = append(r.Untold, realtime.ChannelEvent{Occupied: occupied, Generation: r.Generation, Time: now, Epoch: r.Epoch})
	return nil
}

// Told is that of realtime.Occupancies. It reports whether anything has changed.
func (r *Record) Told(last *realtime.ChannelEvent) bool {
	had := len(r.Untold)
	r.Untold = slices.DeleteFunc(r.Untold, func(e realtime.ChannelEvent) bool {
		return e.Epoch == last.Epoch && e.Sequence() <= last.Sequence()
	})
	return len(r.Untold) < had
}

// Due returns when somebody else has to look after the channel; zero: never.
func (r *Record) Due() time.Time {
	due := r.ends()
	if len(r.Untold) > 0 {
		if late := r.Untold[0].Time.Add(realtime.TellWithin); due.IsZero() || late.Before(due) {
			due = late
		}
	}
	return due
}

// Events returns what is untold, as events of a channel.
func (r *Record) Events(c realtime.Channel) []realtime.ChannelEvent {
	events := slices.Clone(r.Untold)
	for i := range events {
		events[i].Channel = c
	}
	return events
}
