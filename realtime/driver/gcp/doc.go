// Package gcp is the backend of Google Cloud: a Broker on Pub/Sub, and a Registry,
// Revocations and Tenants on Firestore.
//
//	Broker       a topic per tenant (or a shared one), ordering key = channel,
//	             one subscription per topic and instance that follows it
//	Registry     tenants/{tenant}/connections/{connection}, instances/{instance}
//	Revocations  tenants/{tenant}/users/{user}
//	Tenants      tenants/{tenant}
//
// All of it works on the emulators of both as well, which Connection.Emulator names. Where an
// emulator differs from the service, a comment at the place says so.
package gcp
