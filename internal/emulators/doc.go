// Package emulators starts Google's emulators of Pub/Sub and Firestore for tests and for
// development. It starts them directly with java, because the process that gcloud would start
// outlives the signal that ends gcloud.
//
// A test binary has at most one of each, which Shared keeps, and each test has its own project: the
// emulators isolate projects completely.
//
//	var servers emulators.Shared
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(servers.Main(m)) }
//
//	func TestSomething(t *testing.T) {
//		addr, project := servers.Firestore(t), emulators.Project(t)
//	}
//
// A test that stops or pauses an emulator starts one for itself.
package emulators
