// Package gateway assembles Hub, tokens, limits, sockets and Server-Sent Events
// into one http.Handler, to be mounted in a program of one's own.
//
//	GET /v1/socket -> token -> Principal -> tenant, origin, seat -> Hooks.Connect -> Hub
//	                  (handshake or first frame)                                      |
//	                  session: frames, limits, line of what has to wait <-> socket <- Outbox
//	GET /v1/events -> the same                                   stream -> response <- Outbox
//
// With a Broker and Tenants it is complete. Hooks are the functions that your own
// program adds: to refuse a client or give it groups, to look at what it
// subscribes to and publishes, and to answer its calls.
package gateway
