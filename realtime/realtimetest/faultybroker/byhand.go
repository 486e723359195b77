package faultybroker

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// The methods of this file misbehave on request. Those with an instance befall
// all streams that it has open.

// Refuse answers the next n messages with CodeUnavailable and does not store them.
func (b *Broker) Refuse(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse += n
}

// RefuseLate answers the next n messages with CodeUnavailable after a while and does not store them, nor what comes
// behind them on their channels meanwhile.
func (b *Broker) RefuseLate(n int, after time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refusals = append(b.refusals, slices.Repeat([]time.Duration{after}, n)...)
}

// Disown answers the next n messages with CodeUnavailable although they are stored.
func (b *Broker) Disown(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disown += n
}

// Retry stores the next n messages once more, after a while.
func (b *Broker) Retry(n int, after time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.retries = append(b.retries, slices.Repeat([]time.Duration{after}, n)...)
}

// RefuseFollow answers the next n Follows with CodeUnavailable.
func (b *Broker) RefuseFollow(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuseFollows += n
}

// LateReplay withholds what the next n streams are to replay.
func (b *Broker) LateReplay(n int, late time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lateReplays = append(b.lateReplays, slices.Repeat([]time.Duration{late}, n)...)
}

// Delay holds a channel back on an instance's streams; other channels flow. The zero
// Channel stands for beacons and pulses.
func (b *Broker) Delay(instance string, c realtime.Channel, d time.Duration) {
	b.each(instance, func(s *stream, now time.Time) { s.delay(s.lane(c), now.Add(d), 0) })
}

// Redeliver brings the last n messages of a channel again, at once and
// however long ago they were given.
func (b *Broker) Redeliver(instance string, c realtime.Channel, n int) {
	b.each(instance, func(s *stream, _ time.Time) { s.again(s.lane(c), n) })
}

// Lose drops the next n Publications on their way to an instance: it plants holes.
func (b *Broker) Lose(instance string, n int) {
	b.each(instance, func(s *stream, _ time.Time) { s.lose += n })
}

// Stall stops an instance's streams for a while, without an error.
func (b *Broker) Stall(instance string, d time.Duration) {
	b.each(instance, func(s *stream, now time.Time) { s.stall(now.Add(d)) })
}

// Break interrupts an instance's streams with ErrBroken. What was outstanding
// comes again, later.
func (b *Broker) Break(instance string) {
	b.each(instance, func(s *stream, now time.Time) { s.interrupt(now) })
}

// CutFence breaks an instance's streams when its next n fences are about to come back.
func (b *Broker) CutFence(instance string, n int) {
	b.each(instance, func(s *stream, _ time.Time) { s.cutFences += n })
}

// End ends an instance's streams with CodeUnavailable, so that they have to be
// opened again.
func (b *Broker) End(instance string) {
	b.each(instance, func(s *stream, _ time.Time) { s.end() })
}

// each does something to all open streams of an instance.
func (b *Broker) each(instance string, do func(*stream, time.Time)) {
	b.mu.Lock()
	streams := slices.Clone(b.streams)
	b.mu.Unlock()
	for _, s := range streams {
		if s.following.Instance != instance {
			continue
		}
		s.mu.Lock()
		do(s, time.Now())
		s.mu.Unlock()
		s.poke()
	}
}
