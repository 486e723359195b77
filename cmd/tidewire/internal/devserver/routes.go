package devserver

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime/filter/viewfilter"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/retained"
	"github.com/tidewire/tidewire/realtime/survey"
	"github.com/tidewire/tidewire/realtime/wire"
	"github.com/tidewire/tidewire/services/dashboard/demo"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

func (d *Server) routes() (http.Handler, error) {
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	d.startKeeper(ctx)
	mux := http.NewServeMux()
	mux.Handle("/v1/", d.gateway)
	mux.Handle("/healthz", d.gateway)
	mux.Handle("/readyz", d.gateway)
	mux.Handle("/v1/tenants/{tenant}/events", ingest.New(ingest.Options{
		Verifier: d.verifier, Tenants: d.backend.Tenants, Publisher: d.pub, Limiter: d.limiter,
		Logger: d.o.Logger, Metrics: d.metrics,
	}))
	filters, err := viewfilter.New()
	if err != nil {
		return nil, err
	}
	d.history = retained.New(retained.Options{
		Broker: d.backend.Broker, Placement: d.backend.Placement, Filters: filters, Payload: wire.Compact, Logger: d.o.Logger, Metrics: d.metrics,
	})
	d.surveyor = survey.New(survey.Options{
		Broker: d.backend.Broker, Placement: d.backend.Placement, Subscriptions: d.backend.Subscriptions, Leases: d.backend.Leases, Logger: d.o.Logger, Metrics: d.metrics,
	})
	api := httpapi.New(httpapi.Options{
		History: d.history, Survey: d.surveyor,
		Verifier: d.verifier, Operators: d.operators, Tenants: d.backend.Tenants, Registry: d.backend.Registry,
		Revocations: d.backend.Revocations, Publisher: d.pub, Topics: d.backend.Topics, Placement: d.backend.Placement, States: d.backend.States,
		Limiter: d.limiter, Logger: d.o.Logger, Metrics: d.metrics,
	})
	for _, path := range []string{"/v1/tenants", "/v1/tenants/", "/v1/openapi.json"} {
		mux.Handle(path, api)
	}
	mux.Handle("GET /metrics", d.page)
	if len(d.o.Crawl) > 0 {
		mux.Handle("POST /functions/crawler", d.crawler())
	}
	if d.o.Filter != "" {
		f, err := d.filter()
		if err != nil {
			return nil, fmt.Errorf("--filter: %w", err)
		}
		mux.Handle("POST /functions/filter", f)
	}
	if d.o.Page != "" {
		d.servePage(mux)
	}
	if !d.o.Demo {
		return mux, nil
	}
	sessions := demo.Sessions{Roles: demo.Roles(), Sign: d.sign, Manage: httpapi.Parts()}
	mux.Handle("/", web.Handler(web.Options{Session: sessions.Session, Logger: d.o.Logger}))
	return mux, d.startProducers(ctx)
}
