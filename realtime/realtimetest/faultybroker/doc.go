// Package faultybroker has a broker that misbehaves on request, around any other, within what the contract of
// realtime.Broker allows. With it a test of a Hub or of a Publisher sees within seconds what a real backend does in a year.
//
//	broker := faultybroker.New(memory.NewBroker(memory.BrokerOptions{}), faultybroker.Options{})
//	broker.Break("i1") // interrupts the streams of the instance i1
//
// A Broker holds in memory what it holds back, so it is for tests. It uses the time of package time alone, and Close
// waits for all its goroutines, so that it works in a testing/synctest bubble, where time costs nothing.
package faultybroker
