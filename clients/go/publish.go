package tidewire

import (
	"context"

	"github.com/tidewire/tidewire/clients/go/internal/publishing"
	"github.com/tidewire/tidewire/realtime"
)

// Confirmation is what becomes of an event that Enqueue has taken.
type Confirmation struct {
	c    *Client
	p    *publishing.Publication
	done chan struct{}
	id   string // that the event was given
	have string // that it is stored by; like err, it is set before done is closed
	err  error
}

// Publish publishes an event and returns its ID when the server has stored it. It is sent again, with the same ID, after a loss and when the
// server asks for that, until ctx ends: then the event may be stored or not, and publishing it again with its ID is safe.
func (c *Client) Publish(ctx context.Context, e Event) (id string, err error) {
	confirmation, err := c.Enqueue(ctx, e)
	if err != nil {
		return "", err
	}
	return confirmation.Wait(ctx)
}

// Enqueue takes an event to be published behind those that were taken before, and returns without waiting for the server. It waits
// while MaxPending are pending. The caller may use what e refers to again when Wait has returned.
func (c *Client) Enqueue(ctx context.Context, e Event) (*Confirmation, error) {
	return c.enqueue(ctx, e, nil)
}

func (c *Client) enqueue(ctx context.Context, e Event, condition *realtime.Condition) (*Confirmation, error) {
	e.Identify()
	if err := e.check(condition); err != nil {
		return nil, err
	}
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	confirmation := &Confirmation{c: c, done: make(chan struct{}), id: e.ID}
	confirmation.p = &publishing.Publication{Frame: e.frame(), Done: confirmation.settle}
	confirmation.p.Frame.If = condition
	if !c.loop.Do(func() { c.out.Add(confirmation.p) }) {
		<-c.room
		return nil, c.Err()
	}
	return confirmation, nil
}

// settle says what has become of the event.
func (w *Confirmation) settle(id string, err error) {
	w.have, w.err = id, err
	close(w.done)
	<-w.c.room
}

// enter waits for room among what is pending. Who has it gives it back by a receive.
func (c *Client) enter(ctx context.Context) error {
	select {
	case c.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.Done():
		return c.Err()
	}
}

// Wait returns the ID of the event when the server has stored it, or why it will not. When ctx ends before, the event is not sent again.
func (w *Confirmation) Wait(ctx context.Context) (id string, err error) {
	select {
	case <-w.done:
		return w.have, w.err
	case <-ctx.Done():
		w.c.loop.Do(func() { w.c.out.GiveUp(w.p, context.Cause(ctx)) })
		return w.id, context.Cause(ctx)
	}
}
