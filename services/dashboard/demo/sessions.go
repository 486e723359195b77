package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

// Sessions lets anybody be any desk of the demo: it is for a program on one's
// own machine, never for one that others can reach. A real dashboard asks
// its own login who is there.
type Sessions struct {
	// Desks are those that can be chosen; the first is the one a page opens with.
	Desks []Desk
	// Sign makes a token for p, with its Issued and Expires.
	Sign func(ctx context.Context, p *realtime.Principal) (string, error)
	// For is how long a token lasts; 0 is 15 minutes. The page renews it.
	For time.Duration
}

// Session returns a new session at a desk; an empty tenant is the first one, and an
// empty group the first of the tenant. There being none is an *realtime.Error with CodeNotFound.
func (s Sessions) Session(ctx context.Context, tenant, group string) (web.Session, error) {
	desk := s.find(tenant, group)
	if desk == nil {
		return web.Session{}, realtime.Errorf(realtime.CodeNotFound, "the demo has no group %q in a tenant %q; choose another one", group, tenant)
	}
	now := time.Now()
	p := Reader(desk.Tenant, desk.Group)
	p.Issued, p.Expires = now, now.Add(s.lifetime())
	token, err := s.Sign(ctx, p)
	if err != nil {
		return web.Session{}, fmt.Errorf("demo: signing a token for %s: %w", desk.Tenant, err)
	}
	session := web.Session{
		Tenant: p.Tenant, User: p.User, Groups: p.Groups, Token: token,
		Channels: []web.Channel{{Name: desk.Channel(), Title: desk.Title, Unit: desk.Unit, Note: "Recorded prices, replayed", EveryMS: desk.Step.Milliseconds(), Keys: desk.Symbols()}},
	}
	for _, d := range s.Desks {
		session.Views = append(session.Views, web.View{Tenant: d.Tenant, Group: d.Group, Title: d.Title})
	}
	return session, nil
}

func (s Sessions) find(tenant, group string) *Desk {
	for i, d := range s.Desks {
		if (tenant == "" || tenant == d.Tenant) && (group == "" || group == d.Group) {
			return &s.Desks[i]
		}
	}
	return nil
}

func (s Sessions) lifetime() time.Duration {
	if s.For > 0 {
		return s.For
	}
	return 15 * time.Minute
}
