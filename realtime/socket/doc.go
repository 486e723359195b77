// Package socket accepts a WebSocket (RFC 6455) and is the outbox.Transport of
// the client behind it. It knows neither the frames of the socket protocol nor the Hub.
//
//	http.Handler -> Acceptor.Accept -> Conn.Start -> Handler.Message ... Handler.Closed
//	outbox.Outbox <- Flush, Beat, Shut <- Hub
//
// Reading: a connection has one goroutine, which waits for the client with an
// almost empty stack and no buffer. A new goroutine parses what arrives, and
// lives until everything received is handled. The HTTP handler has returned long
// before, and net/http's buffers and stack are free.
//
// Writing: whoever queues a frame writes it, as far as the kernel accepts it at
// once. Only for a slower client is there a goroutine, until the client has
// caught up. All waiting frames are sent in one write. Everything, including answers to
// pings and close frames, goes through the Outbox, so there is one writer at a time.
//
// An idle connection needs no timer: Beat, which the Hub calls for all
// connections, sends the pings and finds dead clients.
//
// Client is the client side, for a command line and for tests.
package socket
