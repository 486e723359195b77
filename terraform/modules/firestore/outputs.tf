output "database" {
  description = "Identifier of the database."
  value       = google_firestore_database.this.name
}
