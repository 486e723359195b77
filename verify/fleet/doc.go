// Package fleet contains only tests, which run a whole deployment: gateways, functions and the API as separate processes,
// on the emulators of Pub/Sub and Firestore, behind a TCP proxy that distributes connections round-robin. The deployment is the
// one that Terraform plans: topics are created on the emulator with the planned settings and no others exist, and each process gets
// its planned environment.
//
// The tests check that Tidewire keeps its promises while processes crash, start and stop, connections break, and Pub/Sub and
// Firestore stall.
//
//	faults_test.go    every fault in one run, verified by a checker
//	planted_test.go   the checker finds faults that are planted
//	rotation_test.go  a client moves ten times under load
//	kill_test.go      a killed gateway's sockets are gone from the list within one lease
//	outage_test.go    suspended tenants, missing topics, Firestore and Pub/Sub down
//	logout_test.go    a logout reaches every instance, and survives restarts
//	latency_test.go   the time from publish to socket, and the emulator's share of it
//	locks_test.go     of many that want a lock on several gateways, one has it
//	holders_test.go   who has a lock when its gateway is killed has lost it when the next one has it
//
// `make whole` runs a small fleet; `make fleet` one of 400 sockets, by TIDEWIRE_SOCKETS.
package fleet
