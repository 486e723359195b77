// Package storetest has the contracts of the stores of package realtime as tests, one suite for each contract. A driver's
// test calls those of the contracts that it implements:
//
//	func TestRegistry(t *testing.T) {
//		storetest.TestRegistry(t, storetest.Harness{
//			Registry: func(*testing.T) realtime.Registry { return memory.NewRegistry() },
//		})
//	}
//
// It imports testing, so no program should import it.
package storetest
