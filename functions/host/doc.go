// Package host runs what a function consists of inside a process that it does not
// own: the framework starts the server and never stops it, many functions are registered in one
// binary and one is asked.
//
//	first request -> Open, once for all who wait -> the handler, from then on
//	Open fails    -> 503 with Retry-After, and another attempt for a later request
//	SIGTERM       -> Close: nobody new, those inside finish, what was opened is closed
//
// Nothing runs between requests, when the platform takes the CPU away: an attempt to open
// is made for a request that waits for it, or not at all.
package host
