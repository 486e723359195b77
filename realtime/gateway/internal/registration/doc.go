// Package registration keeps the connection documents of one instance, and its lease, in a realtime.Registry.
package registration
