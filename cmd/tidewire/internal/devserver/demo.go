package devserver

import (
	"context"
	"fmt"
	"net/http"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/demosite"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/services/dashboard/demo"
)

// startProducers sends what is simulated for the demo's tenants, through the
// address that any other producer would use.
func (d *Server) startProducers(ctx context.Context) error {
	site, err := demosite.Open(ctx)
	if err != nil {
		return err
	}
	d.running.Go(func() {
		<-ctx.Done()
		_ = site.Close() // nobody crawls it any more
	})
	started := map[string]bool{}
	for _, role := range demo.Roles() {
		if started[role.Tenant] {
			continue
		}
		started[role.Tenant] = true
		feeds, err := demo.Feeds(role.Tenant)
		if err != nil {
			return err
		}
		token := func(ctx context.Context) (string, error) {
			w := demo.Writer(role.Tenant)
			w.Issued, w.Expires = time.Now(), time.Now().Add(time.Hour)
			return d.sign(ctx, w)
		}
		watch := &demo.Watch{Client: tidewire.Options{URL: d.url, Token: token, Logger: d.o.Logger}, Logger: d.o.Logger}
		d.running.Go(func() {
			if err := watch.Run(ctx); err != nil {
				d.failed <- err
			}
		})
		c := demosite.Crawl{Site: site, Tenant: role.Tenant, Tenants: d.backend.Tenants, Publisher: d.pub, Read: watch.Read, Logger: d.o.Logger}
		d.running.Go(func() { c.Run(ctx) })
		p := demo.Producer{
			URL: d.url, Tenant: role.Tenant, Logger: d.o.Logger, Feeds: append(feeds, demo.Self(d.url, http.DefaultClient)), Wants: watch.Wants, Token: token,
		}
		d.running.Go(func() {
			if err := p.Run(ctx); err != nil {
				d.failed <- err
			}
		})
	}
	return nil
}

func (d *Server) sign(ctx context.Context, p *realtime.Principal) (string, error) {
	t, err := d.docs.Tenant(ctx, p.Tenant)
	if err != nil {
		return "", err
	}
	signer, err := auth.NewSigner(t)
	if err != nil {
		return "", err
	}
	return signer.Sign(auth.Claims{User: p.User, Groups: p.Groups, Grants: p.Grants, Views: p.Views, Manage: p.Manage, Issued: p.Issued, Expires: p.Expires})
}

// firstToken makes the token that dev prints: of the first tenant that can sign one.
func (d *Server) firstToken(ctx context.Context) error {
	all := []realtime.Pattern{"**"}
	p := &realtime.Principal{
		User: "dev", Issued: time.Now(), Expires: time.Now().Add(12 * time.Hour),
		Grants: realtime.Grants{Subscribe: all, Publish: all, Presence: all}, Manage: httpapi.Parts(),
	}
	for _, p.Tenant = range d.docs.IDs() {
		token, err := d.sign(ctx, p)
		if err == nil {
			d.tenantOfToken, d.token = p.Tenant, token
			return nil
		}
		if realtime.CodeOf(err) != realtime.CodeNotFound {
			return fmt.Errorf("tenant %s: %w", p.Tenant, err)
		}
	}
	return nil // tokens come from elsewhere
}
