// Package yjs is the door for clients of Yjs: the protocol of y-websocket, in front of ordinary channels.
//
// A document is a channel whose namespace has state. Each entry of the state is an update, as Yjs encodes them (version 1), in base64: their union is
// the document. Updates may come in any order and more than once, so that nothing has to be decided about them. Awareness, which
// is who is there and where their cursors are, is the transient state of another channel.
//
// The package reads of an update which parts of whose edits it has, not what they mean: enough to ask a client for what the document lacks, to leave
// out what a client has, and to make one update of many. It is no CRDT, and knows no text, array or map.
//
//	Encoder  the frames that a hub makes, shared by all connections
//	Door     one connection: reads what its client sends, and makes of the hub's frames what its client is sent
//	Update   an update of a document
package yjs
