// Package census lets the instances that follow a topic tell each other what each of them alone knows, such as who
// is subscribed to a channel at it. What is told of is called a subject: a channel. One that wants to know of a subject asks, and as long as it asks, all those that
// have something of it report it, and what changes, once a second at most. Where nobody asks, nothing is sent.
//
// Each instance speaks for itself alone, under a lease that what it sends renews: who has heard nothing from it for
// Lease forgets what it has said. Reports of a subject are numbered and name the one before, so that a lost one is
// noticed, and asked for again.
package census
