package faultybroker

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// The methods of this file are what befalls a stream; s.mu is held.

func (s *stream) lane(c realtime.Channel) *lane {
	l := s.lanes[c]
	if l == nil {
		l = &lane{}
		s.lanes[c] = l
		s.order = append(s.order, l)
	}
	return l
}

// arrive takes a message from the inner stream.
func (s *stream) arrive(m *realtime.Message, now time.Time) {
	if m.Kind == realtime.KindPublication && (take(&s.lose) || s.dice.chance(s.broker.options.Lose)) {
		s.broker.counts.count(func(st *Stats) { st.Lost++ })
		return
	}
	_, single := s.inner.(realtime.ChannelStream) // a channel of which comes in one order
	if single = single && !m.Channel.IsZero(); !single && !s.replayAt.IsZero() && m.Time.UnixMilli() <= s.replayEnd {
		s.replay = append(s.replay, *m)
		return
	}
	l := s.lane(m.Channel)
	l.queue = append(l.queue, parcel{message: *m, came: now})
	if s.dice.chance(s.broker.options.Delay) {
		s.delay(l, now.Add(s.dice.upTo(s.broker.options.DelayWithin)), s.broker.options.DelayWithin)
	}
	own := m.Kind == realtime.KindFence && m.Origin == s.following.Instance
	if own && (take(&s.cutFences) || s.dice.chance(s.broker.options.CutFence)) {
		s.broker.counts.count(func(st *Stats) { st.FencesCut++ })
		s.interrupt(now)
	}
}

// happen lets those things happen whose time has come.
func (s *stream) happen(now time.Time) {
	o := &s.broker.options
	if due(s.stallAt, now) {
		if s.stallAt = s.dice.next(now, o.StallEvery); !s.broker.calm.Load() {
			s.stall(now.Add(s.dice.upTo(o.StallWithin)))
		}
	}
	if due(s.breakAt, now) {
		if s.breakAt = s.dice.next(now, o.BreakEvery); !s.broker.calm.Load() {
			s.interrupt(now)
		}
	}
	if due(s.endAt, now) {
		if s.endAt = (time.Time{}); !s.broker.calm.Load() {
			s.end()
		}
	}
	if due(s.replayAt, now) {
		s.takeEffect(now)
	}
}

func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// takeEffect gives what was to be replayed, before what waits; in half of the
// channels what was given meanwhile comes again after it, as a redelivery drags it along.
func (s *stream) takeEffect(now time.Time) {
	byChannel := map[realtime.Channel][]realtime.Message{}
	var order []realtime.Channel // of first messages, so that a seed means the same
	for _, m := range s.replay {
		if byChannel[m.Channel] == nil {
			order = append(order, m.Channel)
		}
		byChannel[m.Channel] = append(byChannel[m.Channel], m)
	}
	s.replay, s.replayAt = nil, time.Time{}
	for _, c := range order {
		l := s.lane(c)
		if s.dice.rng.IntN(2) == 0 {
			s.again(l, s.outstanding(l, now))
		}
		l.before(byChannel[c], now)
	}
}

func (s *stream) delay(l *lane, until time.Time, most time.Duration) {
	l.hold(until, most)
	s.broker.counts.count(func(st *Stats) { st.Delays++ })
}

// outstanding is how many messages of a lane a fault may bring again.
func (s *stream) outstanding(l *lane, now time.Time) int {
	return l.outstanding(now.Add(-s.broker.options.OutstandingFor))
}

// again puts the last n that a lane has given before what it is to give.
func (s *stream) again(l *lane, n int) {
	if n = l.back(n, s.broker.options.Outstanding); n > 0 {
		s.broker.counts.count(func(st *Stats) { st.Redeliveries++; st.Redelivered += n })
	}
}

func (s *stream) redeliver(l *lane, n int, after time.Duration, now time.Time) {
	s.again(l, n)
	l.hold(now.Add(after), s.broker.options.DelayWithin)
}

func (s *stream) stall(until time.Time) {
	s.stalledUntil = until
	s.broker.counts.count(func(st *Stats) { st.Stalls++ })
}

// interrupt breaks the stream: what was outstanding in a channel comes again
// later, and what waits comes after it.
func (s *stream) interrupt(now time.Time) {
	for _, l := range s.order {
		s.redeliver(l, s.dice.rng.IntN(s.outstanding(l, now)+1), s.dice.upTo(s.broker.options.RedeliverWithin), now)
	}
	s.broke = fmt.Errorf("a fault on request: %w", realtime.ErrBroken)
	s.broker.counts.count(func(st *Stats) { st.Breaks++ })
}

func (s *stream) end() {
	s.err = unavailable("the stream has ended")
	s.broker.counts.count(func(st *Stats) { st.Ends++ })
}
