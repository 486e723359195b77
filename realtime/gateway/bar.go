package gateway

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	// barFor is how long at least publishes are refused after one was that is worth a retry: within it comes what
	// the client had sent before it knew. Those would be published, and the refused one, sent again, come after them.
	barFor = time.Second
	// maxBars is how many channels are barred each for itself; with more, all are.
	maxBars = 16
)

// bar is why publishes of a connection are refused, and until when.
type bar struct {
	channel string // its name; empty: all
	queued  bool   // also those that stand in line already
	why     *realtime.Error
	until   time.Time
}

// refusePublishes lets no publish to the channel in, or to any if it has no name, that the client may have sent before it
// knows of a refusal. queued says that what stands in line came after the one that was refused.
// It returns the error with the time that the client is to be told.
func (l *line) refusePublishes(channel string, queued bool, why *realtime.Error) *realtime.Error {
	told := *why
	told.RetryAfter = max(told.RetryAfter, barFor)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.bars = slices.DeleteFunc(l.bars, func(b bar) bool { return !now.Before(b.until) || b.channel == channel })
	if len(l.bars) >= maxBars {
		l.bars, channel, queued = nil, "", true
	}
	l.bars = append(l.bars, bar{channel, queued, &told, now.Add(told.RetryAfter)})
	return &told
}

// barrier returns why a publish to the channel is refused now, and for how long; nil if it is taken.
func (l *line) barrier(channel string, queued bool) *realtime.Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.bars {
		left := time.Until(b.until)
		if left <= 0 || b.channel != "" && b.channel != channel || queued && !b.queued {
			continue
		}
		return &realtime.Error{
			Code: b.why.Code, Limit: b.why.Limit, RetryAfter: left,
			Message: "a publish before this one was refused (" + cmp.Or(b.why.Limit, string(b.why.Code)) + "); send both again, in their order",
		}
	}
	return nil
}
