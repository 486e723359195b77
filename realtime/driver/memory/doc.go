// Package memory keeps everything in the memory of one process: a Broker whose
// topics are logs, a Registry of connection documents and leases, and Tenants
// read from a file. It is the embedded default of Tidewire, runs under the same
// conformance suites as every other driver, and needs nothing installed.
//
//	Publish -> topic: one log of chunks -> Stream: an index into the log
//	                  (oldest chunk goes   (nothing is queued per stream)
//	                   by age and bytes)
//
// What it holds is bounded: a topic by age and bytes, connection documents by
// their expiry. All of it ends with the process.
package memory
