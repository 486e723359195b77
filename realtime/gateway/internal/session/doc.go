// Package session speaks the socket protocol with one client: it admits the client's frames, within the limits and in their
// order, does what they ask for and answers them.
//
//	socket.Conn -> Session.Message -> limits, refused publishes -> handler: Hub, Publisher, hooks
//	                                          |                       ^
//	                                          '-> frameQueue, worker -'   what has to wait for something
//
// A Session is not for one goroutine alone: the reader of the socket, the worker of the queue, and whoever closes it.
package session
