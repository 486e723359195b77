// Package limit enforces the rates and counts of the tenant's document
// (realtime.Limits) for a tenant, a user and a connection.
//
//	            connection           user                  tenant
//	connects                         part of it            connectsPerSecond
//	frames      framesPerSecond      x userShare           x tenantShare
//	bytes       bytesPerSecond       x userShare           x tenantShare
//	subscribes  subscribesPerSecond  x userShare           x tenantShare
//	publishes                        publishesPerSecond    x tenantShare
//	open                             connectionsPerUser    connections
//
// A user's connects are userShare / tenantShare of connectsPerSecond, and all that a
// user may have open may come at once.
//
// A rate is a token bucket that holds tokens for two seconds. A request takes tokens
// from every bucket that it concerns or, if one has too few, from none. A request that is larger than
// a bucket is accepted when the bucket is full, and leaves it in debt, so that
// every request can succeed at some time.
//
// A refusal is a *realtime.Error with code CodeLimited, the limit's name as spelled in a
// document, and the time after which to retry. It is counted by that name.
//
// Rates and counts hold per instance: nothing is shared between processes.
package limit
