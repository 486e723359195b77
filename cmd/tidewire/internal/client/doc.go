// Package client has the clients of a deployment that the commands use: of the management API, of the ingest endpoint, and of
// sockets. Requests are repeated until they are taken, as often and as late as the server asks.
package client
