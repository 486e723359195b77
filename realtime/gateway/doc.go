// Package gateway assembles Hub, tokens, limits, sockets and Server-Sent Events
// into one http.Handler, to mount in your own program.
//
//	GET /v1/socket -> admission: token, tenant, origin, limits, Hooks.Connect -> Hub
//	                  (handshake or first frame)                                  |
//	                  session: frames, limits, what has to wait <-> socket <- Outbox
//	GET /v1/events -> admission                      stream -> response <- Outbox
//
// With a Broker and Tenants it is complete. Hooks are functions of your own
// program: they can refuse a client or give it groups, check what it
// subscribes to and publishes, and answer its calls.
//
// The package itself routes requests, puts its parts together and drains them; each part is an internal package with one job.
package gateway
