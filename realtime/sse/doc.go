// Package sse is Server-Sent Events (the HTML standard, section 9.2) as a protocol of the Hub: events that
// carry the JSON of tidewire.v1.json, and ids at which a stream can be taken up again. docs/protocol.md says what
// clients read.
//
//	client <- Stream.Append <- Encoder <- Hub
//	client -> Last-Event-ID -> Stream.Resume
//
// All streams share the event of a Publication. The id before it is a stream's own, since it says where the
// stream stands in all of its channels.
package sse
