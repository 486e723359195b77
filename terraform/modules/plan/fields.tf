# Settings of single fields in Firestore: the table of realtime/driver/gcp/gcpfirestore, Fields(), which says why each is there. A field that is not
# here has what Firestore gives each: indexes for queries within one collection.
locals {
  field_list = [
    { collection = "connections", field = "instance", ttl = false, group = true, plain = false },
    { collection = "connections", field = "expireAt", ttl = true, group = false, plain = true },
    { collection = "connections", field = "connectedAt", ttl = false, group = false, plain = true },
    { collection = "connections", field = "meta", ttl = false, group = false, plain = true },
    { collection = "connections", field = "remote", ttl = false, group = false, plain = true },
    { collection = "instances", field = "expireAt", ttl = true, group = false, plain = true },
    { collection = "instances", field = "leaseUntil", ttl = false, group = false, plain = true },
    { collection = "instances", field = "started", ttl = false, group = false, plain = true },
    { collection = "instances", field = "sockets", ttl = false, group = false, plain = true },
    { collection = "instances", field = "service", ttl = false, group = false, plain = true },
    { collection = "instances", field = "revision", ttl = false, group = false, plain = true },
    { collection = "instances", field = "region", ttl = false, group = false, plain = true },
    { collection = "users", field = "expireAt", ttl = true, group = false, plain = true },
    { collection = "users", field = "revokedBefore", ttl = false, group = false, plain = true },
    { collection = "tenants", field = "auth", ttl = false, group = false, plain = true },
    { collection = "tenants", field = "limits", ttl = false, group = false, plain = true },
    { collection = "tenants", field = "namespaces", ttl = false, group = false, plain = true },
    { collection = "tenants", field = "origins", ttl = false, group = false, plain = true },
    { collection = "state", field = "expireAt", ttl = true, group = false, plain = true },
    { collection = "state", field = "change", ttl = false, group = false, plain = true },
    { collection = "channels", field = "expireAt", ttl = true, group = false, plain = true },
    { collection = "channels", field = "cleared", ttl = false, group = false, plain = true },
    { collection = "topics", field = "mark", ttl = false, group = false, plain = true },
    { collection = "occupancies", field = "instances", ttl = false, group = false, plain = false, array = true },
    { collection = "occupancies", field = "dueAt", ttl = false, group = true, plain = false },
    { collection = "occupancies", field = "expireAt", ttl = true, group = false, plain = true },
    { collection = "occupancies", field = "occupancy", ttl = false, group = false, plain = true },
  ]
  # A field's place in the list is its step, which its address in the state has: add to the end.
  fields = { for step, f in local.field_list : "${f.collection}.${f.field}" => merge(f, { step = step }) }
}
