// Package terraform says what is wrong with the HCL of a folder, by what Terraform makes of it on a stub of its providers (package main in stub),
// which knows the schema of provider google and nothing of Google.
//
//	tree, err := terraform.Read("terraform")
//	problems := tree.Problems()                                 // what Terraform takes, and a reader stumbles over
//	stub, err := terraform.BuildStub(ctx, "stub", "schema/google.json.gz")
//	workspace, err := stub.Open(ctx, "terraform", folder, ".")
//	plan, err := workspace.Plan(ctx, variables)                 // the error is what Terraform does not take
//	problems = terraform.Policy(plan, exempt)                       // what no deployment of ours may do
//	outputs, err := terraform.Evaluate(ctx, "terraform", calls)     // of modules without providers
//
// Terraform alone says what the HCL means: nothing here evaluates it. Outputs evaluates one module, and Verify runs what else of Terraform works
// without a provider. All work on a copy, so that no folder gets a .terraform or a lock file. Whatever needs Terraform fails with ErrMissing where
// it is not installed.
//
// The tests hold the HCL of this repository to all that, and to what the program reads, writes, measures, calls and answers: those
// are contracts, a file each. TestSeededFaults, which make tf-audit runs, holds the check itself to what it has to find. Package applied has what only
// an apply shows.
package terraform
