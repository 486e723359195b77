// Package backend is the one switch from a name to drivers:
//
//	memory        everything in this process; no other process can read it
//	gcp:PROJECT   Pub/Sub and Firestore of a Google Cloud project, or their emulators
//
// A program that needs only one backend can call its driver directly, and then does not link the others.
package backend
