package tidewire

import (
	"context"
	"iter"
	"maps"
	"strconv"

	"github.com/tidewire/tidewire/clients/go/internal/cursor"
	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime"
)

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
