package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/realtime"
)

// ErrTaken is what Try returns of a lock that somebody has.
var ErrTaken = errors.New("somebody has the lock")

// Those who wait for a lock do not all try at the same moment.
const (
	spread = 50 * time.Millisecond
	widest = 2 * time.Second
	margin = time.Second
)

// Try takes a lock if nobody has it, in a channel whose namespace keeps state. An error has ErrTaken in its chain if somebody does. If ctx ends before the
// answer has come, the lock may have been taken, and ends by itself.
func Try(ctx context.Context, c *tidewire.Client, channel, name string, o Options) (*Lock, error) {
	if err := o.withDefaults(name); err != nil {
		return nil, err
	}
	return take(ctx, c, channel, "lock:"+name, o)
}

// Take takes a lock as soon as nobody has it, or ctx ends. It is told when the lock is free, and asks nothing meanwhile. It needs the right to subscribe to the
// channel, too.
func Take(ctx context.Context, c *tidewire.Client, channel, name string, o Options) (*Lock, error) {
	if err := o.withDefaults(name); err != nil {
		return nil, err
	}
	key := "lock:" + name
	view, err := c.View(channel, tidewire.ViewOptions{Keys: []string{key}})
	if err != nil {
		return nil, err
	}
	defer view.Close()
	w := &waiting{view: view, key: key}
	if err := w.ready(ctx); err != nil {
		return nil, err
	}
	for wide := spread; ; wide = min(2*wide, widest) {
		if err := w.free(ctx); err != nil {
			return nil, err
		}
		if err := sleep(ctx, jitter(wide)); err != nil {
			return nil, err
		}
		if w.taken() {
			continue
		}
		l, err := take(ctx, c, channel, key, o)
		switch {
		case err == nil:
			return l, nil
		case errors.Is(err, ErrTaken): // the view is about to tell so
			err = w.until(ctx, margin, w.taken)
		case ctx.Err() == nil && transient(err):
			err = sleep(ctx, retryAfter(err)+margin+jitter(margin))
		}
		if err != nil {
			return nil, err
		}
	}
}

// transient reports whether trying again may help.
func transient(err error) bool {
	switch realtime.CodeOf(err) {
	case realtime.CodeUnavailable, realtime.CodeDraining, realtime.CodeLimited, realtime.CodeTimeout, realtime.CodeConflict:
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, tidewire.ErrLost)
}

// take publishes that the lock is wanted, if nobody has it.
func take(ctx context.Context, c *tidewire.Client, channel, key string, o Options) (*Lock, error) {
	e := tidewire.Event{Channel: channel, Key: key, Data: o.Data, TTL: realtime.Duration(o.TTL), ID: newID()}
	since := time.Now()
	ctx, cancel := context.WithTimeout(ctx, min(attempt, o.TTL))
	defer cancel()
	d, err := c.PublishIf(ctx, e, tidewire.IfAbsent())
	if err != nil {
		return nil, err
	}
	if !d.Applied && idOf(d.Position) != e.ID {
		return nil, fmt.Errorf("%s: %w", key, ErrTaken)
	}
	e.ID = ""
	l := &Lock{
		o: o, client: c, event: e, stop: make(chan struct{}), done: make(chan struct{}), position: d.Position, since: since, asked: map[string]time.Time{},
	}
	l.ctx, l.end = context.WithCancelCause(context.WithoutCancel(ctx))
	go l.keep()
	return l, nil
}

// waiting is who waits for a lock.
type waiting struct {
	view *tidewire.KeyedView
	key  string
}

func (w *waiting) taken() bool {
	_, has := w.view.Get(w.key)
	return has
}

func (w *waiting) ready(ctx context.Context) error {
	for {
		select {
		case <-w.view.Ready():
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(margin):
			if err := w.view.Err(); err != nil {
				return err
			}
		}
	}
}

// free waits until the key has no value.
func (w *waiting) free(ctx context.Context) error {
	for w.taken() {
		if _, err := w.view.Changes(ctx); err != nil {
			return err
		}
	}
	return w.view.Err()
}

// until waits for a while, or until something holds.
func (w *waiting) until(ctx context.Context, most time.Duration, holds func() bool) error {
	ending, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for !holds() {
		if _, err := w.view.Changes(ending); err != nil {
			if ctx.Err() == nil && ending.Err() != nil {
				return nil
			}
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
