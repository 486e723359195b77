# Fields were instances of one resource until they were made one after the other. The state moves by itself; nothing is made anew.

moved {
  from = google_firestore_field.this["connections.instance"]
  to   = module.field_00.google_firestore_field.this["connections.instance"]
}

moved {
  from = google_firestore_field.this["connections.expireAt"]
  to   = module.field_01.google_firestore_field.this["connections.expireAt"]
}

moved {
  from = google_firestore_field.this["connections.connectedAt"]
  to   = module.field_02.google_firestore_field.this["connections.connectedAt"]
}

moved {
  from = google_firestore_field.this["connections.meta"]
  to   = module.field_03.google_firestore_field.this["connections.meta"]
}

moved {
  from = google_firestore_field.this["connections.remote"]
  to   = module.field_04.google_firestore_field.this["connections.remote"]
}

moved {
  from = google_firestore_field.this["instances.expireAt"]
  to   = module.field_05.google_firestore_field.this["instances.expireAt"]
}

moved {
  from = google_firestore_field.this["instances.leaseUntil"]
  to   = module.field_06.google_firestore_field.this["instances.leaseUntil"]
}

moved {
  from = google_firestore_field.this["instances.started"]
  to   = module.field_07.google_firestore_field.this["instances.started"]
}

moved {
  from = google_firestore_field.this["instances.sockets"]
  to   = module.field_08.google_firestore_field.this["instances.sockets"]
}

moved {
  from = google_firestore_field.this["instances.service"]
  to   = module.field_09.google_firestore_field.this["instances.service"]
}

moved {
  from = google_firestore_field.this["instances.revision"]
  to   = module.field_10.google_firestore_field.this["instances.revision"]
}

moved {
  from = google_firestore_field.this["instances.region"]
  to   = module.field_11.google_firestore_field.this["instances.region"]
}

moved {
  from = google_firestore_field.this["users.expireAt"]
  to   = module.field_12.google_firestore_field.this["users.expireAt"]
}

moved {
  from = google_firestore_field.this["users.revokedBefore"]
  to   = module.field_13.google_firestore_field.this["users.revokedBefore"]
}

moved {
  from = google_firestore_field.this["tenants.auth"]
  to   = module.field_14.google_firestore_field.this["tenants.auth"]
}

moved {
  from = google_firestore_field.this["tenants.limits"]
  to   = module.field_15.google_firestore_field.this["tenants.limits"]
}

moved {
  from = google_firestore_field.this["tenants.namespaces"]
  to   = module.field_16.google_firestore_field.this["tenants.namespaces"]
}

moved {
  from = google_firestore_field.this["tenants.origins"]
  to   = module.field_17.google_firestore_field.this["tenants.origins"]
}
