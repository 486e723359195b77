resource "google_firestore_field" "this" {
  for_each = var.fields

  project    = var.project
  database   = var.database
  collection = each.value.collection
  field      = each.value.field

  # The block stands for all indexes of the field: empty, there are none. One over all collections of the name has to be
  # asked for, and those within one are then asked for as well.
  index_config {
    dynamic "indexes" {
      for_each = each.value.plain || each.value.array ? [] : concat(["COLLECTION"], each.value.group ? ["COLLECTION_GROUP"] : [])
      content {
        order       = "ASCENDING"
        query_scope = indexes.value
      }
    }
    dynamic "indexes" {
      for_each = each.value.array ? ["COLLECTION", "COLLECTION_GROUP"] : []
      content {
        array_config = "CONTAINS"
        query_scope  = indexes.value
      }
    }
  }

  # Firestore may take a day: readers look at the moment themselves.
  dynamic "ttl_config" {
    for_each = each.value.ttl ? [true] : []
    content {}
  }
}
