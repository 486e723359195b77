package gcpfirestore

// Field is what has to be set for one field of a collection group besides what Firestore does by itself, which
// is an index of every field for queries within one collection. Terraform makes them.
type Field struct {
	Collection, Name string
	// TTL lets Firestore remove documents some time after the moment in the field. Readers do not rely on it.
	TTL bool
	// Group is an index for queries over all collections of the name.
	Group bool
	// Array is Group for one element of an array.
	Array bool
	// Plain leaves the field without any index: nobody asks by it, and an index of what only grows, such as a moment, or of
	// what many share, slows the writes to the whole collection; one of a secret is a copy of it.
	Plain bool
}

// Fields are the settings that the queries of this package need, and those that keep its writes fast. There
// are no indexes of several fields.
func Fields() []Field {
	return []Field{
		{Collection: connectionsCollection, Name: "instance", Group: true}, // Instances and ConnectionsOf, for the janitor
		{Collection: connectionsCollection, Name: "expireAt", TTL: true, Plain: true},
		{Collection: connectionsCollection, Name: "connectedAt", Plain: true},
		{Collection: connectionsCollection, Name: "meta", Plain: true},
		{Collection: connectionsCollection, Name: "remote", Plain: true},
		{Collection: instancesCollection, Name: "expireAt", TTL: true, Plain: true},
		{Collection: instancesCollection, Name: "leaseUntil", Plain: true},
		{Collection: instancesCollection, Name: "started", Plain: true},
		{Collection: instancesCollection, Name: "sockets", Plain: true},
		{Collection: instancesCollection, Name: "service", Plain: true},
		{Collection: instancesCollection, Name: "revision", Plain: true},
		{Collection: instancesCollection, Name: "region", Plain: true},
		{Collection: usersCollection, Name: "expireAt", TTL: true, Plain: true},
		{Collection: usersCollection, Name: "revokedBefore", Plain: true},
		{Collection: tenantsCollection, Name: "auth", Plain: true},
		{Collection: tenantsCollection, Name: "limits", Plain: true},
		{Collection: tenantsCollection, Name: "namespaces", Plain: true},
		{Collection: tenantsCollection, Name: "origins", Plain: true},
		{Collection: stateCollection, Name: "expireAt", TTL: true, Plain: true},
		{Collection: stateCollection, Name: "change", Plain: true},
		{Collection: channelsCollection, Name: "expireAt", TTL: true, Plain: true},
		{Collection: channelsCollection, Name: "cleared", Plain: true},
		{Collection: topicsCollection, Name: "mark", Plain: true},
		{Collection: occupanciesCollection, Name: "instances", Array: true}, // Held, for the janitor
		{Collection: occupanciesCollection, Name: "dueAt", Group: true},     // Due
		{Collection: occupanciesCollection, Name: "expireAt", TTL: true, Plain: true},
		{Collection: occupanciesCollection, Name: "occupancy", Plain: true},
	}
}
