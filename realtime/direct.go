package realtime

import (
	"context"
	"time"
)

// direct does what a message for connections says, once: a replay brings it
// again, and both generations hear it while one replaces the other. It is not for
// connections that were opened after it was sent, unless it closes those with an old token.
func (f *feed) direct(m *Message, now time.Time) {
	f.directs.turn(now)
	if f.directs.repeated(m.Tenant, "", m.ID) {
		return
	}
	logout := m.Kind == KindClose && !m.Before.IsZero()
	if logout {
		f.logouts.add(m, now)
	}
	here := f.tenants[m.Tenant]
	if here == nil {
		return
	}
	event := sharedFrame{make: func(p *protocol) Frame { return p.Direct(&m.Publication) }}
	for _, c := range here.conns {
		p := c.Principal()
		if !m.To.Selects(c.id, p) {
			continue
		}
		// The token of a logout's connection says whether it is meant, whenever it was opened.
		if logout && p.Issued.After(m.Before) || !logout && m.Time.Before(c.connected.Add(-f.pace.Skew)) {
			continue
		}
		if m.Kind == KindClose {
			f.closes = append(f.closes, closing{c, closedBy(m.Code)})
			continue
		}
		frame := event.in(c.protocol)
		if frame.IsZero() {
			continue // the encoder panicked
		}
		f.hub.count.Add(CountDeliveries, m.Tenant, "direct", 1)
		f.push(c, &Delivery{Frame: frame, Policy: OverflowDropOldest})
	}
}

// closing is a connection that is closed once feed.mu is released.
type closing struct {
	conn *Connection
	err  *Error
}

// SendDirect sends an event to the connections of a tenant that a Target selects, on
// whatever instance they are, and returns when the broker has it. Who is away misses it, and
// so does nobody at all: ask the Registry first who is there. The event's
// Channel is not used; without an ID it is given one.
func (p *Publisher) SendDirect(ctx context.Context, t *Tenant, to Target, event *Publication) error {
	if err := to.Check(); err != nil {
		return err
	}
	if event.ID == "" {
		event.ID = newPublicationID()
	}
	if err := event.CheckFields(); err != nil {
		return err
	}
	if err := event.checkData(); err != nil {
		return err
	}
	sent := *event
	sent.Channel = Channel{}
	return p.control(ctx, t, &Message{Kind: KindDirect, Publication: sent, Tenant: t.ID, To: to})
}

// SendClose closes the connections of a tenant that a Target selects, on whatever instance they
// are, and returns when the broker has it. With before set it closes only those whose
// token was issued then or earlier, as a logout does, and for some minutes refuses those who come with
// such a token.
func (p *Publisher) SendClose(ctx context.Context, t *Tenant, to Target, code Code, before time.Time) error {
	if err := to.Check(); err != nil {
		return err
	}
	return p.control(ctx, t, &Message{
		Kind: KindClose, Publication: Publication{ID: newPublicationID()}, Tenant: t.ID, To: to, Code: code, Before: before,
	})
}

// control publishes a message that has no channel, and so no number.
func (p *Publisher) control(ctx context.Context, t *Tenant, m *Message) error {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	topics, n := writing(p.o.Placement, t, time.Now())
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
			return &Error{Code: CodeUnavailable, Message: "the broker did not answer in time", RetryAfter: time.Second, Err: ctx.Err()}
		}
	}
	return nil
}
