# No provider: what is decided here can be tested, and read by other programs, without one.
terraform {
  required_version = ">= 1.11"
}
