// Package realtimetest has the contract of realtime.Broker as a test, for the drivers of this module and for drivers of
// others. A driver calls TestBroker with a Harness, from a test of its own, and TestDurable if it is a realtime.DurableReader. What else tests of drivers and hubs need is in
// the packages below:
//
//   - storetest has the contracts of stores: of registries, tenants, logouts, states, and of what the janitor reads.
//   - faultybroker has a broker that misbehaves on request, around any other, within what the contract allows.
//   - resumetest judges what clients were told: every Publication once and in order, or a gap at that very place.
//
// They import testing, so no program should import them. Everything in them works within a testing/synctest bubble, where
// time costs nothing.
package realtimetest
