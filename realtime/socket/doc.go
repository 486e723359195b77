// Package socket accepts a WebSocket (RFC 6455) and is the outbox.Transport of
// the client behind it. It knows neither the frames of the socket protocol nor the Hub.
//
//	http.Handler -> Acceptor.Accept -> Conn.Start -> Handler.Message ... Handler.Closed
//	outbox.Outbox <- Flush, Beat, Shut <- Hub
//
// Reading: a connection has one goroutine, which waits for the client with an
// almost empty stack and no buffer. What comes is parsed by a fresh one, which
// lives until everything received is handled; the HTTP handler has long returned,
// and net/http's buffers and stack with it.
//
// Writing: whoever queues a frame writes it, as far as the kernel takes it at
// once. Only for a client that is slower does a goroutine exist, until the client has
// caught up. All frames that wait go out in one write. Everything, answers to pings
// and close frames too, goes through the Outbox and so has one writer at a time.
//
// Nothing costs a timer while a connection is idle: Beat, which the Hub calls for all
// connections, sends the pings and finds the dead.
//
// Client is the other end, for a command line and for tests.
package socket
