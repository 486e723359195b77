// Package schedule decides whose connections are written to first when an instance has more to write than its processors
// can.
//
// Whoever has queued something for connections hands them over to a Scheduler, and goes on. While it has little to do, the
// Scheduler has the caller write to the first of them at once, which costs no goroutine. Else they wait for their turn, and
// as many workers as there are processors take turns:
//
//   - between Tenants by deficit round robin (Shreedhar and Varghese, 1996), so that each has of the processors what its
//     weight says. What counts is what was written, in bytes, and each write as so many more;
//   - between the fan-outs of a Tenant by round robin, a few connections at a time, so that what goes to one
//     connection need not wait until another event has gone to ten thousand;
//   - between the connections of a fan-out in order.
//
// A Tenant for which nothing waits need not wait for its turn: its caller writes to a few connections at once, as much in each round of
// the others as in one turn.
//
// A connection waits once at most, however often it is handed over, and is flushed by one worker at a time. So what waits is
// bounded by the number of connections.
//
// The package knows neither channels nor queues: a connection is a Flusher.
package schedule
