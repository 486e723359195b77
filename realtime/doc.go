// Package realtime is the core of Tidewire: the words of the system as types,
// the Hub that one instance holds, and the two interfaces a backend implements.
//
//	producer -> ingest -> Publisher -> Broker (one Topic per Tenant)
//	                                     |
//	                      one Stream per (Topic, instance that holds a socket)
//	                                     |
//	     Hub: drop a repeated ID, append to the Channel's record, encode once
//	                                     |
//	           Connection: bounded Outbox -> Transport -> browser
//
// A Publication is one event on a Channel of a Tenant. A Principal says who is
// asking and which channels it may use. A Position says where a reader stands,
// and is good on every instance and every driver.
//
// The package imports the standard library only. It does not know HTTP, the
// frames of the socket protocol, or any backend: a Broker carries Messages
// between instances, a Registry keeps connection documents and leases, a
// Transport writes to one client, and an Encoder makes the bytes all readers
// of a Publication share.
package realtime
