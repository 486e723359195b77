// Package check reads the HCL of a folder and says what is wrong with it, without Terraform's providers: what
// `terraform validate` would say of resources it says by their schema (package schema), and what
// no tool of Terraform says, it says by the rules of this repository.
//
//	tree, err := check.Read("terraform")
//	problems := tree.Problems()              // names, types, places, references
//	instances, more := tree.Expand(".", in)  // what a plan would hold, as far as it can be known
//	problems = check.Policy(instances, p)    // what no deployment of ours may do
//
// Plan runs a module without providers in Terraform itself, and Verify runs what else of
// Terraform works without a provider. Both work on a copy, so that no folder gets a .terraform or a lock file.
package check
