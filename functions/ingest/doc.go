// Package ingest is the API for producers: an http.Handler that accepts events
// and publishes them to the channels of a tenant.
//
//	POST /v1/tenants/{tenant}/events      Authorization: Bearer <token>
//	-> token, Principal -> package intake: events, every one checked -> limits -> Publisher -> 200
//
// Package intake defines the formats of an event and the meaning of the answers.
//
// # What an answer reveals
//
// A token of another tenant gets the same 403 whether the tenant in the path
// exists or not, and a request without a valid token always gets the same 401.
package ingest
