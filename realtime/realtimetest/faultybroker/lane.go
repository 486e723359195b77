package faultybroker

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// lane is one channel on one stream. What has no channel, beacons and pulses,
// has a lane too.
type lane struct {
	queue []parcel // to be given, in order; redelivered ones come first
	had   []parcel // given of late, in order
	held  time.Time
}

// parcel is a message on its way.
type parcel struct {
	message realtime.Message
	came    time.Time // to this stream
	given   time.Time // by this stream, last
	again   bool      // it was given before
}

// pop gives the first of the queue, and keeps it among those that may be
// redelivered.
func (l *lane) pop(outstanding int, now time.Time) parcel {
	p := l.queue[0]
	p.given = now
	l.queue[0] = parcel{}
	l.queue = l.queue[1:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	if len(l.had) == 2*outstanding {
		n := copy(l.had, l.had[outstanding:])
		clear(l.had[n:])
		l.had = l.had[:n]
	}
	l.had = append(l.had, p)
	return p
}

// outstanding says how many of those given were given since a moment.
func (l *lane) outstanding(since time.Time) int {
	n := 0
	for n < len(l.had) && !l.had[len(l.had)-1-n].given.Before(since) {
		n++
	}
	return n
}

// back puts the last n of those given, or as many as there are up to most,
// before what is to be given. It returns how many.
func (l *lane) back(n, most int) int {
	n = min(n, most, len(l.had))
	given := l.had[len(l.had)-n:]
	queue := make([]parcel, 0, n+len(l.queue))
	for _, p := range given {
		p.again = true
		queue = append(queue, p)
	}
	l.queue = append(queue, l.queue...)
	clear(given)
	l.had = l.had[:len(l.had)-n]
	return n
}

// before puts messages before everything in the queue.
func (l *lane) before(messages []realtime.Message, now time.Time) {
	queue := make([]parcel, 0, len(messages)+len(l.queue))
	for _, m := range messages {
		queue = append(queue, parcel{message: m, came: now})
	}
	l.queue = append(queue, l.queue...)
}

// hold holds the lane back until a moment, but no message that was never given
// longer than most after it came; 0 is no such limit.
func (l *lane) hold(until time.Time, most time.Duration) {
	for _, p := range l.queue {
		if most > 0 && !p.again {
			until = earliest(until, p.came.Add(most))
			break
		}
	}
	if until.After(l.held) {
		l.held = until
	}
}
