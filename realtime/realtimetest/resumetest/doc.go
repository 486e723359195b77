// Package resumetest judges what clients are told of a channel.
//
// A Checker knows all that was published and what each client was told: every Publication once and in order, or a gap at that
// very place. A Client does with frames what a correct client of the protocol does, and tells the Checker. Checker.Tap is the
// broker through which the Checker learns what was published.
//
// Both work within a testing/synctest bubble, and over sockets.
package resumetest
