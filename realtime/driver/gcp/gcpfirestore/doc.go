// Package gcpfirestore has a Registry, Revocations, Tenants, States and Occupancies on Google Cloud Firestore:
//
//	Registry     tenants/{tenant}/connections/{connection}, instances/{instance}
//	Revocations  tenants/{tenant}/users/{user}
//	Tenants      tenants/{tenant}
//	States       tenants/{tenant}/channels/{channel}/state/{key}, topics/{topic}
//	Occupancies  tenants/{tenant}/occupancies/{channel}
//
// Fields are the settings of a database that their queries need. All of it works on the emulator as well, which
// gcp.Connection names.
package gcpfirestore
