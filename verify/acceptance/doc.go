// Package acceptance contains only tests. They check the promises to users of Tidewire over
// real sockets and, where figures of a server are measured, against a tidewire process. The
// clients here implement HTTP and RFC 6455 themselves: they can misbehave like the worst
// client, and share no code with what they test.
//
//	isolation_test.go  a tenant sees nothing of another, through any API and name
//	tokens_test.go     nor with any token or path
//	resume_test.go     a client that is disconnected a hundred times gets everything once and in order
//	slow_test.go       one slow reader among many costs the others nothing
//	abuse_test.go      bad input is answered, and costs nobody else anything
//	crowd_test.go      thousands of sockets on one process, and what one more costs
//
// TIDEWIRE_SOCKETS sets how many sockets the crowd has; `make soak` asks for 10,000, without
// the race detector, which follows no more than 8,128 goroutines.
package acceptance
