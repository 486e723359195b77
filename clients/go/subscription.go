package tidewire

import (
	"context"
	"iter"
	"maps"
	"strconv"

	"github.com/tidewire/tidewire/clients/go/internal/cursor"
	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// SubscribeOptions say how to read a channel. The zero value works.
type SubscribeOptions struct {
	// Since is where to begin, a Position of before; empty is from now on. One that the server cannot use is answered with a Gap. There is none with State.
	Since string
	// Positions are that of a pattern, by channel. The channels that it does not have begin with AsOf, or now.
	Positions map[string]string
	// AsOf belongs to Since and Positions; see Subscription.Bookmark.
	AsOf int64
	// Filter, Fields and Keys choose what of the channel is sent: events for which an expression is true, some members of their data, and
	// those of some keys ("GBP*" is every key that begins so). Empty is everything. docs/delivery.md explains them.
	Filter       string
	Fields, Keys []string
	// State has the newest message of each key sent first, in a snapshot, and then what changes. Client.View makes a map of it, and Client.Views
	// one of each channel of a pattern.
	State bool
	// MaxRate is how many times a second what is new is sent at most, 0.05 to 1000; 0 is as it comes.
	MaxRate float64
	// Paused has nothing sent until Tune ends it.
	Paused bool
	// Rewind begins with what was published before, by number or by age, unless Since can be answered; not with State, and not for a pattern.
	Rewind realtime.Rewind

	// Buffer and BufferBytes bound what waits to be taken: updates, default 1000, and their bytes, default 16 MiB. A snapshot is queued
	// beyond them, as a whole: it is as large as the state of the channel.
	Buffer, BufferBytes int
	// Overflow is what happens beyond; default OverflowResume.
	Overflow Overflow
}

func (o *SubscribeOptions) withDefaults() error {
	if o.Buffer <= 0 {
		o.Buffer = 1000
	}
	if o.BufferBytes <= 0 {
		o.BufferBytes = 16 << 20
	}
	switch o.Overflow {
	case "":
		o.Overflow = OverflowResume
	case OverflowResume, OverflowDropOldest:
	default:
		return realtime.Errorf(realtime.CodeBadRequest, "Overflow: must be %s or %s, got %q", OverflowResume, OverflowDropOldest, o.Overflow)
	}
	return nil
}

// want is what the server is asked for.
func (o *SubscribeOptions) want() wire.Options {
	w := wire.Options{State: o.State}
	if o.Filter != "" {
		w.Filter = &o.Filter
	}
	if len(o.Fields) > 0 {
		w.Fields = &o.Fields
	}
	if o.Keys != nil {
		w.Keys = &o.Keys
	}
	w.Rewind = o.Rewind
	if o.MaxRate != 0 {
		w.MaxRate = &o.MaxRate
	}
	if o.Paused {
		w.Paused = &o.Paused
	}
	return w
}

// checkRewind refuses a past that there is none of.
func (o *SubscribeOptions) checkRewind(name string) error {
	switch {
	case o.Rewind.IsZero():
		return nil
	case o.State:
		return realtime.Errorf(realtime.CodeBadRequest, "Rewind: cannot be given with State, which begins with all of it")
	case realtime.IsSelection(name):
		return realtime.Errorf(realtime.CodeBadRequest, "Rewind: is for a channel, and not for a pattern")
	}
	return o.Rewind.Check()
}

// check refuses what cannot be asked for, and returns whether the name is that of a pattern.
func (o *SubscribeOptions) check(name string) (pattern bool, err error) {
	if err := o.checkRewind(name); err != nil {
		return false, err
	}
	if pattern = realtime.IsSelection(name); !pattern {
		switch {
		case o.Positions != nil:
			return false, realtime.Errorf(realtime.CodeBadRequest, "Positions: is for patterns; give Since for a channel")
		case o.State && o.Since != "":
			return false, realtime.Errorf(realtime.CodeBadRequest, "Since: cannot be given with State, which begins with all of it")
		}
		_, err = realtime.NewReadable("any", name)
		return false, err
	}
	switch {
	case o.Since != "":
		return true, realtime.Errorf(realtime.CodeBadRequest, "Since: is for a channel; give Positions for a pattern")
	case o.State && (o.Positions != nil || o.AsOf != 0):
		return true, realtime.Errorf(realtime.CodeBadRequest, "Positions and AsOf: cannot be given with State, which begins with all of it")
	case len(o.Positions) > cursor.Max:
		return true, realtime.Errorf(realtime.CodeBadRequest, "Positions: must be at most %d channels, got %d", cursor.Max, len(o.Positions))
	}
	for channel := range o.Positions {
		if _, err := realtime.NewChannel("any", channel); err != nil {
			return true, realtime.Errorf(realtime.CodeBadRequest, "Positions: %v", err)
		}
		if !realtime.Pattern(name).Match(channel, "", nil) {
			return true, realtime.Errorf(realtime.CodeBadRequest, "Positions: %q is not selected by %q", channel, name)
		}
	}
	return true, realtime.CheckSelection(name)
}

// Subscription is a channel that is read, or all channels that a pattern selects. One goroutine takes its updates. Close it, unless the Client
// is closed.
type Subscription struct {
	c       *Client
	channel string
	sub     string
	feed    *feed // the loop's; nil for Client.Direct
	queue   *queue
	at      Bookmark
}

// Bookmark is where a reader stands, to go on there in another process: SubscribeOptions.Since, or Positions, and AsOf.
type Bookmark struct {
	Position string `json:"position,omitempty"`
	// Positions are those of a pattern, by channel: of a thousand at most. For the others AsOf speaks.
	Positions map[string]string `json:"positions,omitempty"`
	// AsOf is a moment, in milliseconds since 1970, up to which nothing was missed. With it, a channel can resume on which
	// nothing has happened for hours.
	AsOf int64 `json:"asOf,omitempty"`
}

// Subscribe reads a channel, or all channels that a pattern such as prices:* selects, those that begin later included ("*" is any one
// segment, and "**" at the end the rest). Each Subscription has a reading of its own: a Client may read a channel several times, in
// different ways, and patterns that overlap.
func (c *Client) Subscribe(channel string, o SubscribeOptions) (*Subscription, error) {
	pattern, err := o.check(channel)
	if err != nil {
		return nil, err
	}
	if err := o.withDefaults(); err != nil {
		return nil, err
	}
	f := &feed{c: c, name: channel, pattern: pattern, want: o.want(), asking: map[*link.Link]bool{}, asOf: o.AsOf, cursors: cursor.New(channel, o.State)}
	at := Bookmark{Position: o.Since, Positions: maps.Clone(o.Positions), AsOf: o.AsOf}
	if !pattern {
		f.cursors.Only().Position = realtime.ReturnedPosition(o.Since)
	}
	for name, position := range o.Positions {
		f.cursors.Of(name).Position = realtime.ReturnedPosition(position)
	}
	if pattern && at.Positions == nil {
		at.Positions = map[string]string{}
	}
	f.queue = newQueue(&o, func() { c.loop.Do(f.resume) })
	if !c.loop.Ask(func() {
		if pattern || c.feeds[f.key()] != nil { // what comes of it has to be told apart
			c.subs++
			f.sub = strconv.Itoa(c.subs)
		}
		c.feeds[f.key()] = f
		f.ask()
	}) {
		return nil, c.Err()
	}
	return &Subscription{c: c, channel: channel, sub: f.sub, feed: f, queue: f.queue, at: at}, nil
}

// Direct reads what is sent to this connection, its user or a group of the user. It has messages alone: what is sent while the
// Client is not connected is not sent again. A Client has one at a time.
func (c *Client) Direct(o SubscribeOptions) (*Subscription, error) {
	o.Overflow = OverflowDropOldest // nothing can be resumed
	if err := o.withDefaults(); err != nil {
		return nil, err
	}
	s := &Subscription{c: c, queue: newQueue(&o, func() {})}
	var taken bool
	if !c.loop.Ask(func() {
		if taken = c.direct != nil; !taken {
			c.direct = s
		}
	}) {
		return nil, c.Err()
	}
	if taken {
		return nil, realtime.Errorf(realtime.CodeConflict, "what is sent directly is already read by this client")
	}
	return s, nil
}

// Channel is its name, or the pattern; empty for Client.Direct.
func (s *Subscription) Channel() string { return s.channel }

// Next waits for the next update. The error is the end of the context, or of the Subscription: why the server has refused it or ended it (with a
// code, realtime.CodeOf), why the Client has ended, or ErrClosed.
func (s *Subscription) Next(ctx context.Context) (Update, error) {
	for {
		u, ok, err := s.queue.take()
		if ok {
			s.passed(&u)
			return u, nil
		}
		if err != nil {
			return u, err
		}
		select {
		case <-s.queue.ready:
		case <-ctx.Done():
			return u, context.Cause(ctx)
		}
	}
}

// passed notes where the reader stands.
func (s *Subscription) passed(u *Update) {
	switch {
	case u.Position == "":
	case s.at.Positions == nil:
		s.at.Position = u.Position
	case u.Channel != s.channel:
		if s.at.Positions[u.Channel] = u.Position; len(s.at.Positions) > cursor.Max {
			oldest, first := "", realtime.Position{}
			for channel, position := range s.at.Positions {
				if at := realtime.ReturnedPosition(position); oldest == "" || at.Time < first.Time {
					oldest, first = channel, at
				}
			}
			delete(s.at.Positions, oldest)
		}
	}
}

// Updates returns what Next does, one after the other, and the error as the last.
func (s *Subscription) Updates(ctx context.Context) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		for {
			u, err := s.Next(ctx)
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}

// Bookmark returns where the reader stands after the last update that Next has returned.
func (s *Subscription) Bookmark() Bookmark {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.at.AsOf = max(s.at.AsOf, s.queue.asOf)
	at := s.at
	at.Positions = maps.Clone(at.Positions)
	return at
}

// restart reads the channel as if for the first time.
func (s *Subscription) restart() {
	s.c.loop.Do(func() {
		if f := s.feed; f.isRead() {
			f.restart()
		}
	})
}

// Close stops reading the channel. Next returns what has come before, and then ErrClosed.
func (s *Subscription) Close() {
	s.c.loop.Ask(func() {
		if s.c.direct == s {
			s.c.direct = nil
		}
		f := s.feed
		if f == nil || !f.isRead() {
			return
		}
		delete(s.c.feeds, f.key())
		f.stopAsking()
		for _, l := range s.c.connection.Links() {
			if f.link == l || f.asking[l] {
				f.leave(l)
			}
		}
	})
	s.queue.end(ErrClosed)
}
