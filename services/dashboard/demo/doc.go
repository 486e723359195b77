// Package demo is what `tidewire dev` shows before a user has data of their
// own: two tenants with two groups each, the channels that these groups may read,
// and a producer that replays recorded market data to them.
//
// The producer is an ordinary client of the ingest endpoint, and uses nothing else
// of the system. A program must ask for each part:
//
//	tenants := demo.Tenants(secret)                            // documents, for the server
//	web.Handler(web.Options{Session: sessions.Session})        // who a browser is
//	demo.Producer{URL: url, Tenant: "acme", Token: t}.Run(ctx) // prices, until ctx ends
//
// Both tenants have a channel prices:index. They carry different years of the
// S&P 500, and neither tenant ever sees the other's.
package demo
