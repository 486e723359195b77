// Package limit holds a tenant, a user and a connection to the rates and counts
// of the tenant's document (realtime.Limits).
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
// A rate is a token bucket that holds two seconds' worth. What is asked for is
// taken from every bucket it concerns or, if one has no room, from none. What is larger than
// a bucket is let through when that is full and leaves it in debt, so that
// everything can succeed some time.
//
// A refusal is a *realtime.Error with code CodeLimited, the limit's name as it is spelt in a
// document, and the time after which it is worth trying again. It is counted by that name.
//
// Rates and counts hold per instance: nothing is shared between processes.
package limit
