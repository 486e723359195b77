// Package memory keeps everything in the memory of one process: a Broker whose topics are logs, a Registry of connection
// documents and leases, and Tenants loaded from a file. It is the default for programs that embed Tidewire, needs
// no other service, and passes the same conformance suites as every other driver.
//
//	Publish -> topic: one log of chunks -> Stream: an index into the log
//	                  (oldest chunk goes   (nothing is queued per stream)
//	                   by age and bytes)
//
// With BrokerOptions.SingleChannels hubs follow single channels: such a stream reads the whole log, and returns what is its own.
//
// Memory is bounded: a topic by age and size, connection documents by their expiry. Everything is lost when the
// process ends.
package memory
