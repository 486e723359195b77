// Command stub stands in for Terraform's providers google and random where they cannot be had. It knows what the
// provider takes and gives, from the schema in verify/terraform/schema, and asks Google for nothing.
//
// With it Terraform itself reads the whole configuration, resolves every expression and reference, finds cycles, and makes and
// applies plans. What it cannot tell is whether Google would take a value: a plan against it is never
// one of a deployment. Terraform takes it by dev_overrides alone, so nothing of it gets into a lock file.
//
// The name of the binary says which provider it is, terraform-provider-google or terraform-provider-random; the file of the schema is
// in the variable TIDEWIRE_SCHEMA. What Google would compute is "stub-<attribute>-<name>", except where other
// resources depend on its form.
package main
