// Package wire holds the frames of the socket protocol tidewire.v1.json: JSON
// objects in WebSocket text messages, one object per message. docs/protocol.md says
// what they mean, docs/asyncapi.json has a schema for each, and testdata has one
// of each, byte for byte.
//
//	client -> Decode      -> ClientFrame -> gateway
//	client <- ServerFrame <- DecodeServer
//	client <- Encoder     <- Hub      what the server sends without being asked, and answers to subscribes
//	client <- Encoder     <- gateway  other answers
//
// What goes out is an outbox.Frame: the header of RFC 6455 and the JSON in one
// slice, ready to be written and shared by all its readers. No frame holds a
// raw line break, so its JSON can stand in a line of NDJSON or of Server-Sent Events.
//
// The package keeps no state: everything in it may be called concurrently.
package wire
