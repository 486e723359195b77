package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

// Sessions lets anybody have any role of the demo: it is for a program on one's
// own machine, never for one that others can reach. A real dashboard asks
// its own login who is there.
type Sessions struct {
	// Roles are those that can be chosen; the first is the one a page opens with.
	Roles []Role
	// Sign makes a token for p, with its Issued and Expires.
	Sign func(ctx context.Context, p *realtime.Principal) (string, error)
	// For is how long a token lasts; 0 is 15 minutes. The page renews it.
	For time.Duration
	// Manage are the parts of the management API that a role with the console is granted. With it, every visitor may end the connections
	// of others.
	Manage []realtime.Manage
}

// Session returns a new session of a role; an empty tenant is the first one, and an
// empty group the first of the tenant. There being none is an *realtime.Error with CodeNotFound.
func (s Sessions) Session(ctx context.Context, tenant, group string) (web.Session, error) {
	role := s.find(tenant, group)
	if role == nil {
		return web.Session{}, realtime.Errorf(realtime.CodeNotFound, "the demo has no group %q in a tenant %q; choose another one", group, tenant)
	}
	now := time.Now()
	p := Reader(*role)
	p.Issued, p.Expires = now, now.Add(s.lifetime())
	if slices.Contains(role.Dashboards, console) {
		p.Manage = s.Manage
	}
	token, err := s.Sign(ctx, p)
	if err != nil {
		return web.Session{}, fmt.Errorf("demo: signing a token for %s: %w", role.Tenant, err)
	}
	session := web.Session{Tenant: p.Tenant, User: p.User, Groups: p.Groups, Token: token, Channels: role.channels(), Dashboards: role.Dashboards}
	for _, part := range p.Manage {
		session.Manage = append(session.Manage, string(part))
	}
	for _, r := range s.Roles {
		session.Views = append(session.Views, web.View{Tenant: r.Tenant, Group: r.Group, Title: r.Title, Dashboards: r.Dashboards})
	}
	return session, nil
}

func (s Sessions) find(tenant, group string) *Role {
	for i, r := range s.Roles {
		if (tenant == "" || tenant == r.Tenant) && (group == "" || group == r.Group) {
			return &s.Roles[i]
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
