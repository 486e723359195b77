// Package acceptance holds no code, only tests of what a user of Tidewire is
// promised, over real sockets and, where the figures are those of a server, against a
// tidewire process. Clients here speak HTTP and RFC 6455 by hand: they can be as rude as
// the worst, and share nothing with what they judge.
//
//	isolation_test.go  a tenant sees nothing of another, by any door and name
//	tokens_test.go     nor with any token or path
//	resume_test.go     a client that is cut a hundred times has everything once and in order
//	slow_test.go       one slow reader among a thousand costs the others nothing
//	abuse_test.go      bad input is answered, and costs nobody else anything
//	crowd_test.go      thousands of sockets on one process, and what one more costs
//
// TIDEWIRE_SOCKETS sets how many sockets the crowd has; `make soak` asks for 10,000, without
// the race detector, which follows no more than 8,128 goroutines.
package acceptance
