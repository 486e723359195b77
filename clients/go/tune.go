package tidewire

import (
	"context"
	"slices"

	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Tuning is what is to change of a Subscription. What is nil stays as it is.
type Tuning struct {
	Filter  *string   // "" is everything
	Fields  *[]string // none is all
	Keys    *[]string
	MaxRate *float64 // 0 is as it comes
	Paused  *bool
	// AddKeys and RemoveKeys change the Keys that there are.
	AddKeys, RemoveKeys []string
}

// Tuned is what a Subscription is given after a Tuning.
type Tuned struct {
	Filter       string
	Fields, Keys []string
	MaxRate      float64 // may be lower than was asked for
	Paused       bool
}

// tuning is a Tuning that is not answered yet.
type tuning struct {
	frame wire.ClientFrame
	sent  *link.Link // that it is under way on
	done  func(*wire.ServerFrame, error)
}

// Tune changes how the channel is read, without leaving it, and returns what is applied. It waits for a connection. With State, what the change hides
// and shows comes as updates before Tune returns. A refusal changes nothing, and has a code (realtime.CodeOf).
func (s *Subscription) Tune(ctx context.Context, t Tuning) (Tuned, error) {
	if err := s.c.enter(ctx); err != nil {
		return Tuned{}, err
	}
	type answer struct {
		f   *wire.ServerFrame
		err error
	}
	came := make(chan answer, 1)
	q := &tuning{
		frame: wire.ClientFrame{Type: wire.TypeTune, Channel: s.channel, Sub: s.sub, Options: wire.Options{
			Filter: t.Filter, Fields: t.Fields, Keys: t.Keys, AddKeys: t.AddKeys, RemoveKeys: t.RemoveKeys, MaxRate: t.MaxRate, Paused: t.Paused,
		}},
		done: func(f *wire.ServerFrame, err error) {
			<-s.c.room
			came <- answer{f, err}
		},
	}
	if !s.c.loop.Do(func() { s.tune(q) }) {
		<-s.c.room
		return Tuned{}, s.c.Err()
	}
	select {
	case a := <-came:
		if a.err != nil {
			return Tuned{}, a.err
		}
		return Tuned{Filter: a.f.Filter, Fields: a.f.Fields, Keys: a.f.Keys, MaxRate: a.f.MaxRate, Paused: a.f.Paused}, nil
	case <-ctx.Done():
		return Tuned{}, context.Cause(ctx)
	}
}

func (s *Subscription) tune(q *tuning) {
	f := s.feed
	if f == nil || !f.isRead() {
		q.done(nil, s.queue.ended())
		return
	}
	f.tunes = append(f.tunes, q)
	f.tuneNext()
}

// tuneNext sends the next Tuning, one at a time, on the link that the channel is read from.
func (f *feed) tuneNext() {
	if len(f.tunes) == 0 || f.link == nil || f.link.Over() || f.tunes[0].sent == f.link {
		return
	}
	q, l := f.tunes[0], f.link
	if l.TooLarge(&q.frame) {
		f.tunes = slices.Delete(f.tunes, 0, 1)
		q.done(nil, link.ErrTooLarge("change"))
		f.tuneNext()
		return
	}
	q.sent = l
	frame := q.frame
	l.Request(&frame, func(a *wire.ServerFrame, err error) { f.tuned(l, q, a, err) })
}

func (f *feed) tuned(l *link.Link, q *tuning, a *wire.ServerFrame, err error) {
	if len(f.tunes) == 0 || f.tunes[0] != q || q.sent != l {
		return
	}
	switch {
	case l.Over(): // it is sent again
		q.sent = nil
		return
	case f.link != l: // the link that the channel is read from now knows nothing of it
		q.sent = nil
		f.tuneNext()
		return
	case err == nil:
		f.want = changed(f.want, &q.frame.Options)
	}
	f.tunes = slices.Delete(f.tunes, 0, 1)
	q.done(a, err)
	f.tuneNext()
}

// SetMaxBytesPerSecond changes Options.MaxBytesPerSecond, also of the connection that there is, and returns when the server obeys.
func (c *Client) SetMaxBytesPerSecond(ctx context.Context, n int64) error {
	if err := realtime.CheckBytesPerSecond("MaxBytesPerSecond", n); err != nil {
		return err
	}
	if !c.loop.Ask(func() { c.o.MaxBytesPerSecond = n }) {
		return c.Err()
	}
	_, err := c.request(ctx, &wire.ClientFrame{Type: wire.TypeTune, MaxBytesPerSecond: n})
	return err
}

// changed is what a Subscription asks for after a Tuning.
func changed(w wire.Options, t *wire.Options) wire.Options {
	if t.Filter != nil {
		w.Filter = t.Filter
	}
	if t.Fields != nil {
		w.Fields = t.Fields
	}
	if t.MaxRate != nil {
		if w.MaxRate = t.MaxRate; *t.MaxRate == 0 { // which only a tune may say
			w.MaxRate = nil
		}
	}
	if t.Paused != nil {
		w.Paused = t.Paused
	}
	if t.Keys != nil {
		w.Keys = t.Keys
	}
	if w.Keys != nil && len(t.AddKeys)+len(t.RemoveKeys) > 0 {
		keys := slices.DeleteFunc(slices.Concat(*w.Keys, t.AddKeys), func(k string) bool { return slices.Contains(t.RemoveKeys, k) })
		slices.Sort(keys)
		keys = slices.Compact(keys)
		w.Keys = &keys
	}
	return w
}
