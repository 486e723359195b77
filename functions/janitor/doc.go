// Package janitor removes what dead instances have left: their subscriptions, their connection
// documents and their leases. It is an HTTP function that a schedule calls by POST, once a minute or so.
//
//	leases -> suspects: no valid lease for longer than the grace, and something left
//	wait for the length of a lease -> read each suspect's lease again
//	dead: delete its subscriptions · hand over and delete its connections · drop its lease
//
// An instance is never taken for dead because it has just started (what is younger than the grace is left
// alone, whether a lease was written yet or not), nor because the store of leases was down for all
// (the wait: a gateway renews within seconds once it can). A program that serves without a Registry
// writes no lease, and its subscriptions would be swept: it must not share a project with a janitor.
//
// Running it twice, also at the same time, does no more than running it once. What fails is
// counted and left to the next run, and ends nothing else. A lease goes last, so what it is needed for is not forgotten.
//
// # What a dead connection still owes
//
// The janitor pays it, in the same sweep: each connection of an instance that has died without releasing its lease is
// handed to Owed, and its document is deleted once that has succeeded, so at least once. A trigger on deleted
// documents would run for every client that leaves as it should, could not tell these from the dead, for which no
// gateway has run a hook, and would come when nothing is left to try again from. A TTL policy sweeps no document
// less than 65 minutes old, so the janitor is first. Presence owes nothing: it is counted by the instance that holds
// the sockets, and goes with it.
package janitor
