// Package uid makes names that nobody else has, for connections, control messages and series of a publisher.
package uid
