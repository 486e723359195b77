// Command dashboard is the Cloud Run service of the example dashboards. docs/configuration.md lists its
// variables.
package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/services/cloudrun"
	"github.com/tidewire/tidewire/services/dashboard/demo"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

func main() { os.Exit(cloudrun.Run(run)) }

// run serves until ctx ends.
func run(ctx context.Context, lookup environment.Lookup, out io.Writer) error {
	e := environment.New(lookup)
	c := readConfig(e)
	if err := e.Err(); err != nil {
		return err
	}
	return c.Serve(ctx, out, c.assemble)
}

func (c *config) assemble(ctx context.Context, p *cloudrun.Parts) (http.Handler, error) {
	tenants, letGo, err := openTenants(ctx, p)
	if err != nil {
		return nil, err
	}
	if letGo != nil {
		p.Closing(letGo)
	}
	return c.handler(tenants, p.Log)
}

// handler serves the pages, and with the demo a session to everybody who asks.
func (c *config) handler(tenants realtime.Tenants, log *slog.Logger) (http.Handler, error) {
	o := web.Options{Gateway: c.gateway, Hosts: c.hosts, Logger: log}
	if c.demo {
		o.Session = demo.Sessions{Roles: demo.Roles(), Sign: signer{tenants}.sign}.Session
	}
	return cloudrun.Health(web.Handler(o)), nil
}

// signer signs with the tenants' own keys.
type signer struct{ tenants realtime.Tenants }

func (s signer) sign(ctx context.Context, p *realtime.Principal) (string, error) {
	t, err := s.tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return "", err
	}
	if t.Suspended {
		return "", realtime.Errorf(realtime.CodeSuspended, "the tenant is suspended")
	}
	made, err := auth.NewSigner(t)
	if err != nil {
		return "", err
	}
	return made.Sign(auth.Claims{User: p.User, Groups: p.Groups, Grants: p.Grants, Views: p.Views, Manage: p.Manage, Issued: p.Issued, Expires: p.Expires})
}
