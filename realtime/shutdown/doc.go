// Package shutdown gives the end of a process one deadline. A platform such as Cloud Run kills a process ten seconds
// after SIGTERM, whatever it is doing, so the time is counted once, from the signal, and shared by all that has to end:
//
//	SIGTERM ── main's ctx ends ── Begin(ctx) ── End(ctx, sockets, backend, telemetry) ── exit
//	0 s                                                                         Within (8.5 s)
//
// Each step of End has what is left, less a reserve for the steps after it, so that one that hangs costs the others
// nothing. What ignores its context is left behind, and Run returns even when main does not.
package shutdown
