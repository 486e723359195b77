// Package tidewire is a client of Tidewire for programs in Go: services that read channels, and producers.
//
//	client, err := tidewire.Connect(ctx, tidewire.Options{URL: "https://gateway.example.com", Token: tidewire.StaticToken(token)})
//	sub, err := client.Subscribe("prices:fx", tidewire.SubscribeOptions{})
//	for update, err := range sub.Updates(ctx) {
//		...
//	}
//
// A Client keeps one WebSocket open. When it is cut, or the server asks to move, the Client opens another, and resumes each
// channel where it stopped: a Subscription has every message once and in order, and is told of a Gap where something
// may be missing. It renews the token before that ends, and waits between tries as the server asks (docs/protocol.md).
//
// A Subscription may be to a pattern, such as prices:*: then all of this holds for each channel that it selects, and each Update says its
// Channel. Channels and patterns may overlap, and a channel may be read in several ways.
//
// # Errors
//
// What a server refuses is a *realtime.Error; realtime.CodeOf tells its code, and its message names the field that is wrong. ErrLost is in the chain of what may
// or may not have been executed, ErrClosed in that of what was closed by the program itself.
//
// # Publishing
//
// Client.Publish publishes over the socket, and api.Ingest over HTTP. Both return when the server has stored the event. Both send it
// again, with the same ID, until its context ends: a repeated ID is dropped by the server, so that readers get the
// event once. What one Client publishes to a channel keeps the order of the calls of Enqueue, also across connections.
//
// # What is bounded
//
// Everything that waits has a bound. Publishes and calls: Options.MaxPending; one more waits for room. Messages that a reader has not
// taken: SubscribeOptions.Buffer and BufferBytes. When those are full, the Overflow policy decides: OverflowResume stops
// reading the channel and resumes it later, so that nothing is lost that the server still has; OverflowDropOldest drops the oldest, and says how
// many. A slow reader never holds up another channel.
//
// All methods are safe for concurrent use, except those of one Subscription that return updates: one goroutine reads it.
package tidewire
