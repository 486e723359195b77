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
// number was sent too early, however late it comes. Of a client that does not count, time has to tell.
const (
	// minRetryAfter is how long at least publishes of a client that does not count refusals are refused after one was: what it had sent
	// before it knew mostly comes within it.
	minRetryAfter = time.Second
	// maxRefusedChannels is how many channels are refused each for itself; with more, all are.
	maxRefusedChannels = 16
)

// refusedPublish is why publishes of a connection are refused, and until when.
type refusedPublish struct {
	channel string // its name; empty: all
	queued  bool   // also those that are queued already
	why     *realtime.Error
	number  int64     // of the refusal: a client that shows it, or a later one, is let through
	until   time.Time // when one that does not count is let through
}

// refusedPublishes remembers which publishes of a connection were refused and are worth a retry. Its zero value is ready for use.
type refusedPublishes struct {
	sending sync.Mutex // held while a refusal is numbered and sent: they are sent in the order of their numbers

	mu    sync.Mutex // guards all below
	all   []refusedPublish
	count int64 // of all refusals so far
}

// add refuses every publish to the channel, or to any if it has no name, that the client may have sent before it
// knows of the refusal of f. queued says that what is queued came after f.
// It returns the error with the time that the client is to be told, and the number of the refusal.
func (r *refusedPublishes) add(f *wire.ClientFrame, channel string, queued bool, why *realtime.Error) (*realtime.Error, int64) {
	told := *why
	if !f.CountsRefusals {
		told.RetryAfter = max(told.RetryAfter, minRetryAfter)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.all = slices.DeleteFunc(r.all, func(b refusedPublish) bool {
		queued = queued || b.channel == channel && b.queued
		return !f.CountsRefusals && !now.Before(b.until) || b.channel == channel
	})
	if len(r.all) >= maxRefusedChannels {
		r.all, channel, queued = nil, "", true
	}
	r.count++
	r.all = append(r.all, refusedPublish{channel, queued, &told, r.count, now.Add(told.RetryAfter)})
	return &told, r.count
}

// check returns why a publish is refused now, and for how long; nil if it is taken.
func (r *refusedPublishes) check(f *wire.ClientFrame, queued bool) *realtime.Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.all {
		if b.channel != "" && b.channel != f.Channel || queued && !b.queued {
			continue
		}
		left := time.Until(b.until)
		if f.CountsRefusals && f.Refusals >= b.number || !f.CountsRefusals && left <= 0 {
			continue
		}
		return &realtime.Error{
			Code: b.why.Code, Limit: b.why.Limit, RetryAfter: max(left, time.Millisecond),
			Message: "a publish before this one was refused (" + cmp.Or(b.why.Limit, string(b.why.Code)) + "); send both again, in their order",
		}
	}
	return nil
}
