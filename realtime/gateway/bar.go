package gateway

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A publish that is refused and worth a retry must not be overtaken by one that the client had sent before it knew.
// Refusals are numbered, and a client that counts them shows the newest number it has seen in each publish: one that shows an older
// number was sent too early, however late it comes. Of a client that does not count, time has to tell.
const (
	// barFor is how long at least publishes of a client that does not count refusals are refused after one was: what it had sent
	// before it knew mostly comes within it.
	barFor = time.Second
	// maxBars is how many channels are barred each for itself; with more, all are.
	maxBars = 16
)

// bar is why publishes of a connection are refused, and until when.
type bar struct {
	channel string // its name; empty: all
	queued  bool   // also those that stand in line already
	why     *realtime.Error
	number  int64     // of the refusal: a client that shows it, or a later one, is let through
	until   time.Time // when one that does not count is let through
}

// refusePublishes lets no publish to the channel in, or to any if it has no name, that the client may have sent before it
// knows of the refusal of f. queued says that what stands in line came after f.
// It returns the error with the time that the client is to be told, and the number of the refusal.
func (l *line) refusePublishes(f *wire.ClientFrame, channel string, queued bool, why *realtime.Error) (*realtime.Error, int64) {
	told := *why
	if !f.CountsRefusals {
		told.RetryAfter = max(told.RetryAfter, barFor)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.bars = slices.DeleteFunc(l.bars, func(b bar) bool {
		queued = queued || b.channel == channel && b.queued
		return !f.CountsRefusals && !now.Before(b.until) || b.channel == channel
	})
	if len(l.bars) >= maxBars {
		l.bars, channel, queued = nil, "", true
	}
	l.refused++
	l.bars = append(l.bars, bar{channel, queued, &told, l.refused, now.Add(told.RetryAfter)})
	return &told, l.refused
}

// barrier returns why a publish is refused now, and for how long; nil if it is taken.
func (l *line) barrier(f *wire.ClientFrame, queued bool) *realtime.Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.bars {
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

// refusePublish answers a publish that is refused and will be sent again, and lets none in that must not overtake it.
func (s *session) refusePublish(f *wire.ClientFrame, channel string, queued bool, why *realtime.Error) {
	s.refusing.Lock()
	defer s.refusing.Unlock()
	told, number := s.line.refusePublishes(f, channel, queued, why)
	if !f.CountsRefusals {
		s.fail(f.ID, f.Channel, told)
		return
	}
	s.send(s.speaks.PublishRefused(f.ID, shownName(f.Channel), told, number))
}

// refuseBehind answers a publish that must not overtake one that was refused. If its client counts refusals it
// must not be overtaken either.
func (s *session) refuseBehind(f *wire.ClientFrame, queued bool, why *realtime.Error) {
	if f.CountsRefusals {
		s.refusePublish(f, f.Channel, queued, why)
		return
	}
	s.fail(f.ID, f.Channel, why)
}
