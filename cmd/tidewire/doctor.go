package main

import (
	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/doctor"
)

// newDoctor looks at a deployment before it is made.
func newDoctor(s std) *cobra.Command {
	d := &doctor.Doctor{ReadFile: func(name string) ([]byte, error) { return readFile(s.in, name) }}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show what a deployment on Google Cloud carries, and which limits it would exceed",
		Long: `doctor computes what a deployment carries, and compares it with the quotas of its
project. It reports what Cloud Run would refuse at once, and which limits would be
exceeded under load, or during a release, when gateways count twice for an hour.

It reads the output of Terraform, or a file of settings. Otherwise it uses the
defaults of terraform/ and the quota of a new project:

  terraform -chdir=terraform output -json | tidewire doctor --outputs -
  terraform -chdir=terraform show -json plan | tidewire doctor --outputs -
  tidewire doctor --vars sizes.json --project my-project --region europe-west1

A file of settings can have sizes, expected, quota, shards and subscriptions, as in
terraform.tfvars.json. With --project the quotas are read with gcloud, which must be
signed in; without it nothing leaves this machine.

Exit codes: 0 it fits, 1 refused or over a limit, 2 wrong usage,
4 the quotas could not be read.`,
		Args: exactly(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return d.Run(cmd.Context(), s.out) },
	}
	cmd.Flags().StringVar(&d.Outputs, "outputs", "", "output of `terraform output -json`, or of `show -json` for a plan: a FILE, or - for standard input")
	cmd.Flags().StringVar(&d.Vars, "vars", "", "FILE of settings in JSON, or - for standard input")
	cmd.Flags().StringVar(&d.Project, "project", "", "project whose quotas are read with gcloud")
	cmd.Flags().StringVar(&d.Region, "region", "", "region of the deployment, with --project")
	cmd.Flags().BoolVar(&d.JSON, "json", false, "write JSON: inputs, figures, refused, walls")
	return cmd
}
