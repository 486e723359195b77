// Package publish is the publishing side: it gives Publications their IDs, numbers them per channel so that a hub
// sees when one is missing, and hands them to the broker in that order. It also sends events to connections, and
// closes them wherever they are.
//
// A process has one Publisher for each Broker.
package publish
