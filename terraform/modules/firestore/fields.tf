# One field after the other. A new database answers 409 ("Please retry, underlying data changed", or "concurrent access") to index changes
# made at once, and the provider tries again after one of the two only. Instances of one resource cannot wait for each other, so each
# step is a call of its own.
locals {
  steps = [for step in range(28) : { for key, f in var.fields : key => f if f.step == step }]
}

module "field_00" {
  source   = "./field"
  project  = var.project
  database = google_firestore_database.this.name
  fields   = local.steps[0]
}

module "field_01" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[1]
  depends_on = [module.field_00]
}

module "field_02" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[2]
  depends_on = [module.field_01]
}

module "field_03" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[3]
  depends_on = [module.field_02]
}

module "field_04" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[4]
  depends_on = [module.field_03]
}

module "field_05" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[5]
  depends_on = [module.field_04]
}

module "field_06" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[6]
  depends_on = [module.field_05]
}

module "field_07" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[7]
  depends_on = [module.field_06]
}

module "field_08" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[8]
  depends_on = [module.field_07]
}

module "field_09" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[9]
  depends_on = [module.field_08]
}

module "field_10" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[10]
  depends_on = [module.field_09]
}

module "field_11" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[11]
  depends_on = [module.field_10]
}

module "field_12" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[12]
  depends_on = [module.field_11]
}

module "field_13" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[13]
  depends_on = [module.field_12]
}

module "field_14" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[14]
  depends_on = [module.field_13]
}

module "field_15" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[15]
  depends_on = [module.field_14]
}

module "field_16" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[16]
  depends_on = [module.field_15]
}

module "field_17" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[17]
  depends_on = [module.field_16]
}

module "field_18" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[18]
  depends_on = [module.field_17]
}

module "field_19" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[19]
  depends_on = [module.field_18]
}

module "field_20" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[20]
  depends_on = [module.field_19]
}

module "field_21" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[21]
  depends_on = [module.field_20]
}

module "field_22" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[22]
  depends_on = [module.field_21]
}

module "field_23" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[23]
  depends_on = [module.field_22]
}

module "field_24" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[24]
  depends_on = [module.field_23]
}

module "field_25" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[25]
  depends_on = [module.field_24]
}

module "field_26" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[26]
  depends_on = [module.field_25]
}

module "field_27" {
  source     = "./field"
  project    = var.project
  database   = google_firestore_database.this.name
  fields     = local.steps[27]
  depends_on = [module.field_26]
}
