// Package gcp says how the services of a Google Cloud project are reached, or their emulators: their addresses, how soon a connection
// comes back after an outage, and which failed calls are counted. The backend itself is in two packages below:
//
//	gcppubsub     a Broker on Pub/Sub
//	gcpfirestore  a Registry, Revocations and Tenants on Firestore
//
// Package pubsubemulator makes up, around the Broker, for what the emulator of Pub/Sub lacks.
package gcp
