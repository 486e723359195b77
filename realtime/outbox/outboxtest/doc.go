// Package outboxtest has a transport for benchmarks: what a Hub costs without sockets.
package outboxtest
