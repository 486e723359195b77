// Package realtime holds the words of Tidewire as types, and the contracts that a driver implements. It does
// nothing by itself and imports the standard library only.
//
//	producer -> ingest -> publish.Publisher -> Broker (one Topic per Tenant)
//	                                              |
//	                      one Stream per (Topic, instance that holds a socket of it)
//	                                              |
//	      hub.Hub: drop a repeated ID, append to the Channel's record, encode once
//	                                              |
//	              hub.Connection: outbox.Outbox -> outbox.Transport -> browser
//
// A Publication is one event on a Channel of a Tenant. A Principal says who is
// asking and which channels it may use. A Position says where a reader stands,
// and is good on every instance and every driver.
//
// # For authors of drivers
//
// A backend is a folder under realtime/driver. Read these files, in this order:
//
//	channel.go, publication.go, position.go   what is carried, and what readers give back
//	message.go, check.go                      a Publication under way, and the control messages between hubs
//	broker.go                                 Broker, Stream: how Messages travel
//	follower.go                               ChannelFollower: single channels rather than whole topics
//	durable.go                                DurableReader: topics that are read on from where the last reader ended
//	statestore.go                             StateStore, StateWriter: checkpoints of keyed state
//	registry.go                               Registry, Revocations: documents of connections, leases, logouts
//	leftovers.go                              what a dead instance leaves behind, for the janitor
//	tenant.go, tenantstore.go                 Tenants, TenantStore: documents of tenants
//	retention.go                              Retainer: how long topics keep messages
//	codes.go                                  which errors a caller acts on
//	metrics.go, tracer.go, log.go             what to count, and the keys of log lines
//
// Each contract names the suite, in package realtimetest or storetest below it, that holds a driver to it.
//
// # Who does the work
//
// Package hub is the engine of one instance, package outbox the bounded queue of one
// connection with its frames, and package publish the publishing side. All three import this package, and this
// package imports none of them.
package realtime
