// Package host runs a function inside a process that it does not own: the framework starts the
// server and never stops it, and of the functions that are registered in the binary only one is called.
//
//	first request -> Open, once for all that wait -> the handler, from then on
//	Open fails    -> 503 with Retry-After, and another attempt for a later request
//	SIGTERM       -> Close: no new requests, current ones finish, what was opened is closed
//
// Nothing runs between requests, when the platform takes the CPU away: Open is called only
// for a request that waits for it.
package host
