package clients

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
)

const (
	// recheckEvery is how often the clients of a tenant with an issuer are checked although its document has not
	// changed: its keys may have.
	recheckEvery = time.Minute
	// maxUnknown is how long a client may stay whose token nobody can check by a newer document, because its
	// issuer does not answer.
	maxUnknown = 30 * time.Second
)

// recheck checks clients by a document and closes those who may not stay by it. One who cannot be checked now
// is checked again at the next look.
func (s *Set) recheck(ctx context.Context, doc *realtime.Tenant, clients []*Client) {
	var refused []*Client
	for _, c := range clients {
		switch p, why := s.verdict(ctx, c, doc); {
		case ctx.Err() != nil:
			return
		case why == nil:
			c.unknownSince = time.Time{}
			s.passed(c, p, doc)
		case why.Code == realtime.CodeUnavailable && c.mayStayUnknown(time.Now()):
			s.invalidate(c)
		default:
			refused = append(refused, c)
		}
	}
	s.dismiss(ctx, refused, func(c *Client) *realtime.Error {
		_, why := s.verdict(ctx, c, s.newest(ctx, doc))
		if why == nil { // it has renewed its token, or the document has changed again
			s.invalidate(c)
		}
		return why
	})
}

// mayStayUnknown reports whether the client may stay though nobody knows whether its token is good.
func (c *Client) mayStayUnknown(now time.Time) bool {
	if c.unknownSince.IsZero() {
		c.unknownSince = now
	}
	return now.Sub(c.unknownSince) < maxUnknown
}

// verdict says why a client may not stay by a document, if so, and who it was.
func (s *Set) verdict(ctx context.Context, c *Client, doc *realtime.Tenant) (*realtime.Principal, *realtime.Error) {
	p := c.conn.Principal()
	if doc.Suspended {
		return p, refusal.Suspended()
	}
	if err := s.o.Verifier.Recheck(ctx, doc, p); err != nil {
		known := (*realtime.Error)(nil)
		if !errors.As(err, &known) {
			return p, s.o.Reporter.Report(ctx, "checking a token again", err)
		}
		if known.Code == realtime.CodeUnauthorized {
			known = realtime.Errorf(realtime.CodeUnauthorized, "the tenant's keys have changed; get a new token and connect again")
		}
		return p, known
	}
	if !c.Page.Allowed(doc) {
		return p, refusal.Origin(c.Page.Origins)
	}
	return p, nil
}

// passed notes that a client may stay, if it is still who was checked.
func (s *Set) passed(c *Client, p *realtime.Principal, doc *realtime.Tenant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.conn.Principal() == p {
		c.checkedBy = doc
	} else if t := s.tenants[c.Tenant.ID]; t != nil {
		t.stale = true
	}
}

// renewed is told that a client has a newer token, checked by a document.
func (s *Set) renewed(c *Client, by *realtime.Tenant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.checkedBy = by
	if t := s.tenants[c.Tenant.ID]; t != nil && t.doc != by {
		t.stale = true
	}
}

// invalidate has a client checked again at the next look.
func (s *Set) invalidate(c *Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.checkedBy = nil
	if t := s.tenants[c.Tenant.ID]; t != nil {
		t.stale = true
	}
}

// newest returns the tenant's document of this moment: a client may have renewed its token by one that is newer than
// the one it is to be closed by.
func (s *Set) newest(ctx context.Context, otherwise *realtime.Tenant) *realtime.Tenant {
	if doc, err := s.o.Tenants.Tenant(ctx, otherwise.ID); err == nil {
		return doc
	}
	return otherwise
}
