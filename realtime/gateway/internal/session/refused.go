package session

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A publish that is refused and worth a retry must not be overtaken by one that the client had sent before it knew.
// Refusals are numbered, and a client that counts them shows the newest number it has seen in each publish: one that shows an older
// number was sent too early, however late it comes. Of a client that does not count, time has to tell; what the server itself
// is late with is no part of that time: it stands still while nothing is read (readingClock), and while publishes wait in
// the queue that came before the refusal.
const (
	// minRetryAfter is how long at least publishes of a client that does not count refusals are refused after one was: what it had sent
	// before it knew mostly comes within it.
	minRetryAfter = time.Second
	// maxRefusedChannels is how many channels are refused each for itself; with more, all are.
	maxRefusedChannels = 16
	// maxRenewals is how often the time is begun again after one refusal by publishes that come again within it, so that who never
	// waits is not refused for ever.
	maxRenewals = 3
)

// refusedPublish is why publishes of a connection are refused, and until when.
type refusedPublish struct {
	channel  string // its name; empty: all
	queued   bool   // also those that are queued already
	why      *realtime.Error
	number   int64     // of the refusal: a client that shows it, or a later one, is let through
	until    time.Time // by the readingClock, when one that does not count is let through
	renewals int       // of until
}

// refusedPublishes remembers which publishes of a connection were refused and are worth a retry. Its zero value is ready for use.
type refusedPublishes struct {
	sending sync.Mutex // held while a refusal is numbered and sent: they are sent in the order of their numbers

	mu      sync.Mutex // guards all below
	all     []refusedPublish
	count   int64 // of all refusals so far
	reached int64 // whatever is queued came after the refusal of this number
	clock   readingClock
	tried   tried
}

// add refuses every publish to the channel, or to any if it has no name, that the client may have sent before it
// knows of the refusal of f. queued says that what is queued came after f.
// It returns the error with the time that the client is to be told, and the number of the refusal.
func (r *refusedPublishes) add(f *wire.ClientFrame, channel string, queued bool, why *realtime.Error) (*realtime.Error, int64) {
	told := *why
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.now()
	if !f.CountsRefusals {
		told.RetryAfter = r.toldAfter(channel, why, now)
		r.all = slices.DeleteFunc(r.all, func(b refusedPublish) bool {
			return !now.Before(b.until) && (!b.queued || b.number <= r.reached)
		})
		if len(r.all) == 0 {
			r.tried.clear()
		}
		r.tried.add(f)
	}
	r.all = slices.DeleteFunc(r.all, func(b refusedPublish) bool {
		queued = queued || b.channel == channel && b.queued
		return b.channel == channel
	})
	if len(r.all) >= maxRefusedChannels {
		r.all, channel, queued = nil, "", true
	}
	r.count++
	r.all = append(r.all, refusedPublish{channel: channel, queued: queued, why: &told, number: r.count, until: now.Add(told.RetryAfter)})
	return &told, r.count
}

// toldAfter is when a client that does not count is to publish again. Those of one channel are told the same moment: if the first were told an
// earlier one than the last, it would come again while the channel is refused, and those behind it when it is not any more. r.mu is held.
func (r *refusedPublishes) toldAfter(channel string, why *realtime.Error, now time.Time) time.Duration {
	after := max(why.RetryAfter, minRetryAfter)
	for i := range r.all {
		switch left := r.all[i].until.Sub(now); {
		case r.all[i].channel != channel || left < minRetryAfter:
		case why.Code == realtime.CodeLimited:
			return max(after, left)
		default:
			return left
		}
	}
	return after
}

// last is the number of the last refusal.
func (r *refusedPublishes) last() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// reach says that whatever is queued came after a refusal.
func (r *refusedPublishes) reach(number int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached = max(r.reached, number)
}

// arrives returns why a publish that comes is refused, and for how long; nil if it is taken. number is that of the last
// refusal before it came.
func (r *refusedPublishes) arrives(f *wire.ClientFrame) (refused *realtime.Error, number int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) == 0 {
		return nil, r.count
	}
	now := r.clock.now()
	for i := range r.all {
		b := &r.all[i]
		if b.channel != "" && b.channel != f.Channel {
			continue
		}
		left, waiting := b.until.Sub(now), b.queued && b.number > r.reached
		switch {
		case f.CountsRefusals && f.Refusals >= b.number, !f.CountsRefusals && left <= 0 && !waiting:
			continue
		case f.CountsRefusals:
			return behind(b, left), r.count
		case waiting:
			left = max(left, minRetryAfter)
		case left < minRetryAfter && b.renewals < maxRenewals && r.tried.has(f):
			// It comes too early, and those behind it might come in time.
			b.renewals++
			left = 2 * minRetryAfter
		}
		b.until = now.Add(left)
		r.tried.add(f)
		return behind(b, left), r.count
	}
	return nil, r.count
}

// comes returns why a publish is refused that has been queued and now has its turn, and for how long; nil if it is published. arrived is the
// number of the last refusal before it came.
func (r *refusedPublishes) comes(f *wire.ClientFrame, arrived int64) *realtime.Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached = max(r.reached, arrived)
	known := arrived
	if f.CountsRefusals {
		known = f.Refusals
	}
	for i := range r.all {
		b := &r.all[i]
		if !b.queued || known >= b.number || b.channel != "" && b.channel != f.Channel {
			continue
		}
		now := r.clock.now()
		left := b.until.Sub(now)
		if !f.CountsRefusals {
			left = max(left, minRetryAfter)
			b.until = now.Add(left)
			r.tried.add(f)
		}
		return behind(b, left)
	}
	return nil
}

func behind(b *refusedPublish, left time.Duration) *realtime.Error {
	return &realtime.Error{
		Code: b.why.Code, Limit: b.why.Limit, RetryAfter: max(left, time.Millisecond),
		Message: "a publish before this one was refused (" + cmp.Or(b.why.Limit, string(b.why.Code)) + "); send both again, in their order",
	}
}
