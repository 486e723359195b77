// Package realtimetest has the tests of the contracts of package realtime, for the
// drivers of this module and for drivers of others.
//
//   - TestBroker, TestRegistry, TestRevocations and TestTenants are the contracts of those interfaces
//     of package realtime as tests. A driver calls them with a Harness.
//   - FaultyBroker misbehaves on request, around any other Broker, within what the
//     contract allows.
//   - Checker knows all that was published and judges what each Client was told: every
//     Publication once and in order, or a gap at that very place.
//
// It imports testing, so no program should import it. Everything in it works
// within a testing/synctest bubble, where time costs nothing.
package realtimetest
