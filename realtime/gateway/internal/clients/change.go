package clients

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
)

// compare puts a document in force if it is another than the one last seen, and has the clients checked by it that
// were not yet.
func (s *Set) compare(ctx context.Context, doc *realtime.Tenant) {
	now := time.Now()
	s.mu.Lock()
	t := s.tenants[doc.ID]
	if t == nil || doc.OlderThan(t.doc) {
		s.mu.Unlock()
		return
	}
	old := t.doc
	everybody := doc.Auth.JWKSURL != "" && now.Sub(t.checkedAt) >= recheckEvery || doc.KeyEndedSince(t.checkedAt, now)
	if old == doc && !t.stale && !everybody {
		s.mu.Unlock()
		return
	}
	all := t.all()
	if t.doc = doc; t.checking { // they are checked by this one at a later look
		t.stale = true
		s.mu.Unlock()
		s.enforce(ctx, old, doc, all)
		return
	}
	t.stale, t.checking = false, true
	unchecked := slices.Clone(all)
	if everybody {
		t.checkedAt = now
	} else {
		unchecked = slices.DeleteFunc(unchecked, func(c *Client) bool { return c.checkedBy == doc })
	}
	s.mu.Unlock()

	s.enforce(ctx, old, doc, all)
	s.running.Go(func() {
		s.recheck(ctx, doc, unchecked)
		s.mu.Lock()
		defer s.mu.Unlock()
		t.checking = false
	})
}

// enforce puts the limits and rules of a document in force for the clients of its tenant.
func (s *Set) enforce(ctx context.Context, old, doc *realtime.Tenant, all []*Client) {
	s.o.Limiter.Update(doc)
	s.o.Hub.Update(doc)
	limits := doc.Limits.WithDefaults()
	for _, c := range all {
		c.session.SetLimits(limits)
	}
	if !equal(old, doc) {
		s.o.Logger.InfoContext(ctx, "a tenant's document has changed", realtime.KeyTenant, doc.ID, realtime.KeyCount, len(all))
	}
}

// equal reports whether two documents say the same. A store may give equal ones out anew.
func equal(a, b *realtime.Tenant) bool {
	one, other := *a, *b
	one.Version, other.Version = 0, 0
	return reflect.DeepEqual(one, other)
}

// relocate asks clients whose tenant is carried by another topic by now to open another connection,
// which reads that one, and later closes those who stay: nothing comes by the old one any more.
func (s *Set) relocate(ctx context.Context, doc *realtime.Tenant) {
	topic, now := s.o.Hub.Topic(doc), time.Now()
	s.mu.Lock()
	t := s.tenants[doc.ID]
	asks := doc.Moved != nil && now.Before(doc.Moved.Leaves())
	if t == nil || t.topic == topic && (asks || !t.asked) {
		s.mu.Unlock()
		return
	}
	t.topic, t.asked = topic, asks
	elsewhere := slices.DeleteFunc(t.all(), func(c *Client) bool { return c.conn.Topic() == topic })
	s.mu.Unlock()
	if !asks {
		s.dismiss(ctx, elsewhere, func(*Client) *realtime.Error { return refusal.Draining(time.Second, moveWithin) })
		return
	}
	for _, c := range elsewhere {
		c.conn.Move(refusal.Random(moveWithin))
	}
}

// dismiss closes clients one after the other, so that they do not come back together. One for whom why has no
// answer by then stays.
func (s *Set) dismiss(ctx context.Context, clients []*Client, why func(*Client) *realtime.Error) {
	if len(clients) == 0 {
		return
	}
	pause := closeWithin / time.Duration(len(clients))
	s.running.Go(func() {
		for _, c := range clients {
			if reason := why(c); reason != nil {
				c.session.Close(reason)
			}
			select {
			case <-ctx.Done():
				return // nobody is left, or the gateway closes them
			case <-time.After(pause):
			}
		}
	})
}
