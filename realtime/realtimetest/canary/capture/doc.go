// Package capture talks to a server by sockets, streams of events and single requests, and keeps every byte that came, below any protocol.
package capture
