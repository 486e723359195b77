// Package httpapi is the management API: an http.Handler for what servers and operators do to a
// tenant and its connections, under /v1/tenants.
//
//	token -> caller: an operator, or a tenant's own token with a claim manage
//	      -> may it? is it its own tenant? -> limits -> the call -> 200, or a problem document
//
// openapi.json describes each call; it is served at /v1/openapi.json and tests hold it and the
// handler together.
//
// # Who may call
//
// An operator may do everything to every tenant. Its tokens are verified by keys that no tenant
// has (NewOperators) and name the tenant "operators", which is none.
//
// A tenant's own token may do to its own tenant what its claim manage lists (realtime.Manage).
// It may neither write the tenant's document nor hand the claim on: those are for operators.
// Everything else is refused, and with the same answer whether another tenant exists or not.
//
// # What is asked when
//
// Sends and closes travel through the tenant's topic to whatever instance holds the socket. Before them the
// Registry is asked who is there, so that a send to nobody is a 404 and not a silence. It knows a connection a
// moment after it was opened. A logout asks nobody: first it is written that the user's tokens are no
// longer good, then the sockets are told. Repeating any call is safe.
package httpapi
