// Package census lets the instances that follow a topic tell each other what each of them alone knows, such as who
// is subscribed to a channel there. What they talk about is called a subject, and named like a channel. An instance that wants to know about a subject asks. As long as
// it asks, all instances that have something to say report it, and then what changes, at most once a second. Where nobody asks, nothing is sent.
//
// Each instance speaks for itself alone, under a lease that what it sends renews: who has heard nothing from it for
// Lease forgets what it has said. Reports of a subject are numbered and name the one before, so that a lost one is
// noticed, and asked for again.
package census
