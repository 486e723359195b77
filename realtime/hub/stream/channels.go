package stream

import (
	"context"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Channels are those that a stream of single channels brings, or is going to. The lock of their Owner guards them.
//
//	            Wanted               added
//	(unknown) ----------> wanted --------------> ready
//	     ^                  |                      |
//	     | removed          | Unwanted             | Unwanted
//	     '---------------- let go <----------------'
//
// One that is let go and wanted again before it was removed is added anew: what it had is forgotten, and comes again. The broker is called for one channel at a
// time, and for mostCalls of them; who hangs or fails holds up nobody else.
type Channels struct {
	o       *Options
	broker  realtime.ChannelFollower
	ctx     context.Context // ends with the stream
	stream  realtime.ChannelStream
	all     map[realtime.Channel]*wanted
	line    []*wanted // for which the broker is to be called
	failed  []*wanted // that are to be removed, and could not be
	calls   int       // under way
	turns   uint64
	said    time.Time // when it was last logged that a call failed
	ignored int       // calls that have failed since
}

// wanted is a channel.
type wanted struct {
	name  realtime.Channel
	turn  uint64 // another each time that it is wanted anew; 0: it is not
	known string // what its messages are known by, in that turn
	ready bool   // it is brought, in that turn
	held  bool   // it may be added at the broker
	busy  bool   // it is in line, or the broker is being called
}

// mostCalls is for how many channels the broker is called at a time.
const mostCalls = 128

// NewChannels returns none, of a stream that is yet to be opened. ctx ends when it is let go.
func NewChannels(ctx context.Context, b realtime.ChannelFollower) *Channels {
	return &Channels{ctx: ctx, broker: b, all: map[realtime.Channel]*wanted{}}
}

// follow opens the stream. The lock is not held.
func (s *Channels) follow(ctx context.Context, o *Options, f realtime.Following) (realtime.Stream, error) {
	stream, err := s.broker.FollowChannels(ctx, o.Topic, f)
	if err != nil {
		return nil, err
	}
	o.Owner.Lock()
	defer o.Owner.Unlock()
	if s.stream != nil { // which could not be used: nothing of it counts
		clear(s.all)
		s.line, s.failed = nil, nil
	}
	s.o, s.stream = o, stream
	return stream, nil
}

// Wanted reports whether the stream brings a channel. Else it is going to, once it is open, and its Owner is told; if that fails, it is tried again when the
// channel is wanted the next time.
func (s *Channels) Wanted(c realtime.Channel) bool {
	w := s.all[c]
	if w == nil {
		w = &wanted{name: c}
		s.all[c] = w
	}
	if w.turn == 0 {
		s.turns++
		w.turn, w.known = s.turns, c.Name()+"\x00"+strconv.FormatUint(s.turns, 36)
	}
	if !w.ready {
		s.enter(w)
	}
	return w.ready
}

// Unwanted says that a channel is not wanted any more.
func (s *Channels) Unwanted(c realtime.Channel) {
	w := s.all[c]
	if w == nil {
		return
	}
	w.turn, w.ready = 0, false
	s.done(w)
}

// Known returns by which name the messages of a channel are to be remembered: another each time that it is wanted anew, since then they come
// again. It is false if the channel is not wanted: what still comes of it is of no use. Of a nil Channels all are wanted.
func (s *Channels) Known(c realtime.Channel) (name string, ok bool) {
	if s == nil {
		return c.Name(), true
	}
	if w := s.all[c]; w != nil && w.turn != 0 {
		return w.known, true
	}
	return "", false
}

// Retry has those removed that could not be. It is called from time to time, also of a nil Channels.
func (s *Channels) Retry() {
	if s == nil {
		return
	}
	failed := s.failed
	s.failed = nil
	for _, w := range failed {
		if s.all[w.name] == w { // it has not been removed meanwhile, and made anew
			s.done(w)
		}
	}
}

// Len is how many channels are brought, are going to be, or have yet to be removed.
func (s *Channels) Len() int { return len(s.all) }

// done has a channel removed that is not wanted.
func (s *Channels) done(w *wanted) {
	switch {
	case w.turn != 0 || w.busy:
	case w.held:
		s.enter(w)
	default:
		delete(s.all, w.name)
	}
}

// enter has the broker called for a channel.
func (s *Channels) enter(w *wanted) {
	if w.busy || s.stream == nil {
		return
	}
	w.busy = true
	s.line = append(s.line, w)
	s.next()
}

// next begins as many calls as may be under way.
func (s *Channels) next() {
	for s.calls < mostCalls && len(s.line) > 0 {
		w := s.line[0]
		s.line[0], s.line = nil, s.line[1:]
		s.calls++
		s.o.Owner.Go(func() { s.call(w) })
	}
}

// call calls the broker for a channel. The lock is not held.
func (s *Channels) call(w *wanted) {
	owner := s.o.Owner
	owner.Lock()
	turn, stream, since := w.turn, s.stream, time.Time{}
	if turn != 0 {
		w.held, since = true, owner.Since(w.name)
	}
	owner.Unlock()

	ctx, cancel := context.WithTimeout(s.ctx, s.o.Pace.Fence/3)
	defer cancel()
	var complete time.Time
	err := s.o.call(func() (err error) {
		if turn == 0 {
			return stream.Remove(ctx, w.name)
		}
		complete, err = stream.Add(ctx, w.name, since)
		return err
	})

	owner.Lock()
	defer owner.Unlock()
	s.calls--
	w.busy = false
	defer s.next()
	switch {
	case s.ctx.Err() != nil:
	case err != nil:
		s.complain(w.name, err)
		if w.turn == 0 {
			s.failed = append(s.failed, w)
		}
	case turn == 0:
		w.held = false
		s.settle(w)
	case turn == w.turn:
		w.ready = true
		owner.Added(w.name, complete)
	default: // it was let go meanwhile
		s.settle(w)
	}
}

// settle goes on with a channel for which the broker was called, and which is not ready.
func (s *Channels) settle(w *wanted) {
	if w.turn != 0 {
		s.enter(w)
		return
	}
	s.done(w)
}

// complain logs that a call failed, once a minute.
func (s *Channels) complain(c realtime.Channel, err error) {
	now := time.Now()
	if s.ignored++; now.Sub(s.said) < time.Minute {
		return
	}
	s.o.Log.Warn("a channel could not be added to a stream, or removed", realtime.KeyTopic, s.o.Topic, realtime.KeyTenant, c.Tenant(), realtime.KeyChannel, c.Name(), realtime.KeyCount, s.ignored, realtime.KeyError, err)
	s.said, s.ignored = now, 0
}
