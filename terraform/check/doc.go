// Package check reads the HCL of a folder and says what is wrong with it, without Terraform's providers: what
// `terraform validate` would say of resources it says by their schema (package schema), and what
// no tool of Terraform says, it says by the rules of this repository.
//
//	tree, err := check.Read("terraform")
//	problems := tree.Problems()                    // names, types, places, references
//	instances, more := tree.Expand(".", given)     // what a plan would hold, as far as it can be known
//	problems = check.Policy(instances, exempt)     // what no deployment of ours may do
//	outputs, more := tree.Evaluate("modules/plan", given)
//
// Outputs runs a module without providers in Terraform itself, Plan reads those of modules/plan, and Verify runs what else
// of Terraform works without a provider. All work on a copy, so that no folder gets a .terraform or a lock file.
//
// The tests hold the HCL of this repository to all that, and to what the program reads, writes, measures, calls and answers: those
// are contracts, a file each. TestSeededFaults holds the check itself to what it has to find. That Expand and Evaluate say what
// Terraform would is tested against Terraform, on modules without providers here, and on a stub of the providers in
// package applied.
package check
