// Package backend is the one switch from a word to drivers:
//
//	memory        everything in this process, which nothing else can read from
//	gcp:PROJECT   Pub/Sub and Firestore of a Google Cloud project, or their emulators
//
// A binary of one's own that needs one backend alone calls its driver, and does not link the others.
package backend
