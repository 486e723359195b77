// Package firestorerest reads the documents of tenants from Firestore over HTTP, for programs that do nothing else with it: the client
// of package gcpfirestore, with gRPC, would be more than half of such a program.
package firestorerest
