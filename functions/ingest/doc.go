// Package ingest is the door for producers: an http.Handler that takes events in
// and publishes them to the channels of a tenant.
//
//	POST /v1/tenants/{tenant}/events      Authorization: Bearer <token>
//	-> token, Principal -> package intake: events, every one checked -> limits -> Publisher -> 200
//
// Package intake says which forms an event may have, and what the answers mean.
//
// # Who learns what
//
// A token of another tenant gets the same 403 whether the tenant in the path
// exists or not, and a request without a good token the same 401.
package ingest
