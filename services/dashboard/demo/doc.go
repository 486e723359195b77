// Package demo is what `tidewire dev` shows before a user has data of their
// own: two tenants with some roles each, the channels that these roles may read,
// and a producer that simulates a market, a plant, a fleet and an estate of services for them.
//
// The producer is an ordinary client of the ingest endpoint, and of a gateway, which says at which prices, sensors and vehicles somebody looks: of these it sends no others. A program must ask for
// each part:
//
//	tenants := demo.Tenants(secret)                            // documents, for the server
//	web.Handler(web.Options{Session: sessions.Session})        // who a browser is
//	demo.Producer{URL: url, Tenant: "acme", Token: t}.Run(ctx) // events, until ctx ends
//
// Both tenants have channels of the same names, such as prices:equities. They carry different
// instruments, and neither tenant ever sees the other's.
package demo
