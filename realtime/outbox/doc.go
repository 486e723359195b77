// Package outbox is the way of a frame out to one client: the bounded queue, the frames in it, and the contracts of
// who makes them and who writes them.
//
// An Encoder makes frames; package wire has the one of the socket protocol. An Outbox holds the frames of one
// connection in two lanes, with a bound in bytes and a policy for when it is full. A
// Transport empties it; package socket has the one for WebSockets.
//
// The package knows neither the hub nor the protocol.
package outbox
