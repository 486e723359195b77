// Package emulators starts Google's emulators of Pub/Sub and Firestore for tests and for
// development: straight with java, since the process that gcloud would start outlives the
// signal that ends gcloud.
//
// A test binary has one of each at most, which Shared keeps, and each test a project of its own: the
// emulators keep projects fully apart.
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
