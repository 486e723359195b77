// Package hub is the engine of one instance: it holds the connections, follows the topics of their tenants, keeps
// a record of each channel, and gives every reader what its channel brings, or says that something is missing.
//
// A Hub has one feed for each topic that it follows. A feed has a generation, which is one
// stream of the broker and what came of it, and two generations while one replaces the other. A generation has its
// channels (package channel, which draws their states); a channel has its record (package record) and its readers. A reader is
// one subscription of a Connection, whose outbox.Outbox a transport empties.
//
// A record keeps Publications. The Outbox of a connection names the protocol that it speaks, and each protocol
// encodes a Publication once, when the first of its readers needs it: record.Record.Frame is the one function by which a
// Publication reaches a client, live or from the record.
//
// The lock of a feed guards all that belongs to its topic. It is held for a bounded number of steps; what takes
// longer is done in parts, and writing, publishing and closing happen after it is released.
//
// A panic of what a Hub was given (Encoder, Metrics, Tracer, Broker, Transport) ends the smallest thing that
// it can have spoilt: contained.go has the table.
//
// A Budget bounds the memory of a whole process, for the hubs that share it.
package hub
