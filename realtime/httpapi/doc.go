// Package httpapi is the management API: an http.Handler for what servers and operators do to a
// tenant and its connections, under /v1/tenants.
//
//	token -> caller: an operator, or a tenant's own token with a claim manage
//	      -> may it? is it its own tenant? -> limits -> the call -> 200, or a problem document
//
// openapi.json describes each call. It is served at /v1/openapi.json, and tests compare it with
// the handler.
//
// # Who may call
//
// An operator may do to every tenant what its role allows (realtime.Role). Its tokens are verified with keys that no tenant
// has (NewOperators), and name the tenant "operators", which is not a real tenant.
//
// A tenant's own token may do to its own tenant what its claim manage lists (realtime.Manage).
// It can neither write the tenant's document nor grant the claim: only operators can.
// Everything else is refused, with the same answer whether another tenant exists or not.
//
// # Order of the steps
//
// Sends and closes travel through the tenant's topic to the instance that holds the socket. The handler first asks
// the Registry who is connected, so that a send to nobody is a 404 instead of silence. The Registry knows a
// connection a moment after it was opened. A logout asks nobody: it first writes that the user's tokens are no
// longer valid, then tells the sockets. Every call can be repeated safely.
package httpapi
