// Package webhook asks the hooks that tenants' documents name, over HTTP. It implements the same Hooks as a program's own functions do:
//
//	gateway -> Hooks -> the tenant's hooks for the event, one after the other
//	                      cache -> concurrency -> breaker -> handshake -> POST (client, signature) -> event.Decode
//
// A hook that is slow, down or wrong costs its own tenant alone: each has a bounded number of calls at a time, each of which has a deadline, and after several
// failures it is left alone for a while. Everything that is remembered of hooks has a bound.
package webhook
