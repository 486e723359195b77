// Package janitor removes what dead instances left behind: their subscriptions, connection
// documents and leases. It is an HTTP function that a schedule calls by POST, about once a minute.
//
//	leases -> suspects: no valid lease for longer than the grace, and something left
//	wait for the length of a lease -> read each suspect's lease again
//	dead: vacate its channels · delete its subscriptions · hand over and delete its connections · drop its lease
//
// An instance that has just started is never considered dead: the janitor ignores what is younger than the
// grace period, whether a lease has been written or not. Nor are instances considered dead because the store of
// leases was down for all of them: gateways renew within seconds once they can, and the janitor waits that long.
// A program that serves without a Registry writes no lease, and the janitor would delete its subscriptions: such a
// program must not share a project with a janitor.
//
// The janitor may run twice, also at the same time. What fails is counted and left for the next run, and stops
// nothing else. A lease is removed last, because it is needed to find the rest again.
//
// # Channels
//
// What a dead instance has occupied (realtime.Occupancies) is vacated before anything else of it is removed, because an instance of which
// nothing is left is not found again. Before that, each run settles the channels whose last instance has said when it would have no readers any
// more, and tells what others have left untold: an instance that dies between its write and its publish loses no event.
//
// # Connections of dead instances
//
// If an instance died without releasing its lease, no gateway has run the disconnect hooks for its connections. The
// janitor hands each of them to Owed, and deletes its document once that has succeeded, so each is handed over at
// least once. A trigger on deleted documents would not do: it would run for every client that disconnects normally,
// could not tell these from the dead, and would run when nothing is left to retry from. A TTL policy deletes no
// document that is less than 65 minutes old, so the janitor comes first. Presence needs nothing: the instance that
// holds the sockets counts it, and it ends with the instance.
package janitor
