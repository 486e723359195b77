package publish

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// SendDirect sends an event to the connections of a tenant that a Target selects, on
// whatever instance they are, and returns when the broker has it. Who is away misses it, and
// so does nobody at all: ask the Registry first who is there. The event's
// Channel is not used; without an ID it is given one.
func (p *Publisher) SendDirect(ctx context.Context, t *realtime.Tenant, to realtime.Target, event *realtime.Publication) error {
	if err := to.Check(); err != nil {
		return err
	}
	if event.ID == "" {
		event.ID = newID()
	}
	if err := event.CheckFields(); err != nil {
		return err
	}
	if err := event.CheckStateless(); err != nil {
		return err
	}
	if err := event.CheckData(); err != nil {
		return err
	}
	sent := *event
	sent.Channel = realtime.Channel{}
	return p.control(ctx, t, &realtime.Message{Kind: realtime.KindDirect, Publication: sent, Tenant: t.ID, To: to})
}

// SendClose closes the connections of a tenant that a Target selects, on whatever instance they
// are, and returns when the broker has it. With before set it closes only those whose
// token was issued then or earlier, as a logout does, and for some minutes refuses those who come with
// such a token.
func (p *Publisher) SendClose(ctx context.Context, t *realtime.Tenant, to realtime.Target, code realtime.Code, before time.Time) error {
	if err := to.Check(); err != nil {
		return err
	}
	return p.control(ctx, t, &realtime.Message{
		Kind: realtime.KindClose, Publication: realtime.Publication{ID: newID()}, Tenant: t.ID, To: to, Code: code, Before: before,
	})
}

// control publishes a message that has no channel, and so no number.
func (p *Publisher) control(ctx context.Context, t *realtime.Tenant, m *realtime.Message) error {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	topics, n := realtime.WriteTopics(p.o.Placement, t, time.Now())
	stored := make(chan error, n)
	for _, topic := range topics[:n] {
		p.broker.Publish(ctx, topic, m, func(err error) { stored <- err })
	}
	for range n {
		select {
		case err := <-stored:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the broker did not answer in time", RetryAfter: time.Second, Err: ctx.Err()}
		}
	}
	return nil
}
