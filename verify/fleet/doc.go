// Package fleet holds no code, only tests of many: gateways, functions and the api as processes
// of their own, on the emulators of Pub/Sub and Firestore, behind a TCP proxy that deals
// connections out in turn. Terraform plans the deployment: its topics are made on the emulator with its settings, nobody makes others, and
// each process has the environment that Terraform would give it. What a user of Tidewire is promised has to hold while processes die, come and
// go, connections are cut and the services underneath stand still.
//
//	faults_test.go    every fault in one run, judged by a checker
//	planted_test.go   the checker finds what is planted
//	rotation_test.go  a client moves ten times under load
//	kill_test.go      a killed gateway's sockets are gone from the list within one lease
//	outage_test.go    tenants that may not, topics that are not, Firestore and Pub/Sub down
//	logout_test.go    a logout reaches every instance, and survives restarts
//	latency_test.go   from publish to socket, and what of it is the emulator's
//
// `make test` runs a small fleet; `make fleet` one of 400 sockets, by TIDEWIRE_SOCKETS.
package fleet
