package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/internal/capacity"
)

// errWalls ends a doctor that has found something: it has said what.
var errWalls = errors.New("the deployment would be refused, or would exceed a limit")

// doctor is the command: what it is asked.
type doctor struct {
	outputs, vars, project, region string
	json                           bool
	gcloud                         func(ctx context.Context, args ...string) ([]byte, error)
}

// newDoctor looks at a deployment before it is made.
func newDoctor(s std) *cobra.Command {
	d := &doctor{gcloud: runGcloud}
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
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context(), s) },
	}
	cmd.Flags().StringVar(&d.outputs, "outputs", "", "output of `terraform output -json`, or of `show -json` for a plan: a FILE, or - for standard input")
	cmd.Flags().StringVar(&d.vars, "vars", "", "FILE of settings in JSON, or - for standard input")
	cmd.Flags().StringVar(&d.project, "project", "", "project whose quotas are read with gcloud")
	cmd.Flags().StringVar(&d.region, "region", "", "region of the deployment, with --project")
	cmd.Flags().BoolVar(&d.json, "json", false, "write JSON: inputs, figures, refused, walls")
	return cmd
}

// run says what it finds. The error is errWalls if that is anything.
func (d *doctor) run(ctx context.Context, s std) error {
	in, err := d.inputs(s.in)
	if err != nil {
		return err
	}
	if d.project != "" {
		if err := d.quotas(ctx, &in.Quota); err != nil {
			return err
		}
	}
	report, err := capacity.Assess(in)
	if err != nil {
		return usagef("%w", err)
	}
	if err := d.write(s.out, in, report); err != nil {
		return err
	}
	if len(report.Refused)+len(report.Walls) > 0 {
		return errWalls
	}
	return nil
}

// inputs are those of Terraform, of the file of settings, or the defaults.
func (d *doctor) inputs(stdin io.Reader) (capacity.Inputs, error) {
	switch {
	case d.outputs != "" && d.vars != "":
		return capacity.Inputs{}, usagef("--outputs and --vars: use only one of them")
	case (d.project == "") != (d.region == ""):
		return capacity.Inputs{}, usagef("--project and --region: use both or neither")
	case d.outputs != "":
		text, err := readFileOr(stdin, d.outputs)
		if err != nil {
			return capacity.Inputs{}, usagef("--outputs: %w", err)
		}
		in, err := ofTerraform(text)
		if err != nil {
			return in, usagef("--outputs: %w", err)
		}
		return in, nil
	case d.vars != "":
		text, err := readFileOr(stdin, d.vars)
		if err != nil {
			return capacity.Inputs{}, usagef("--vars: %w", err)
		}
		in, err := ofSettings(text)
		if err != nil {
			return in, usagef("--vars: %w", err)
		}
		return in, nil
	}
	return capacity.Defaults(), nil
}

// readFileOr reads a file, or standard input if it is named -.
func readFileOr(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name) //nolint:gosec // the caller names it
}

// ofTerraform takes the inputs out of the output capacity: of terraform output -json, or of terraform show -json of a plan or a state.
func ofTerraform(text []byte) (capacity.Inputs, error) {
	type output struct {
		Value struct {
			Inputs *capacity.Inputs `json:"inputs"`
		} `json:"value"`
	}
	type values struct {
		Outputs map[string]json.RawMessage `json:"outputs"`
	}
	var all struct {
		Capacity json.RawMessage `json:"capacity"`
		Planned  values          `json:"planned_values"`
		State    values          `json:"values"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return capacity.Inputs{}, fmt.Errorf("must be JSON from Terraform: %w", err)
	}
	for _, raw := range []json.RawMessage{all.Capacity, all.Planned.Outputs["capacity"], all.State.Outputs["capacity"]} {
		var o output
		if len(raw) > 0 && json.Unmarshal(raw, &o) == nil && o.Value.Inputs != nil {
			return *o.Value.Inputs, nil
		}
	}
	return capacity.Inputs{}, errors.New("has no output capacity: apply, or plan, with this release's terraform/")
}

// ofSettings lays the settings of a file over the defaults. What is no setting of sizes is passed over, since the file may be that of Terraform.
func ofSettings(text []byte) (capacity.Inputs, error) {
	in := capacity.Defaults()
	var given struct {
		Sizes map[string]struct {
			CPU    json.RawMessage `json:"cpu"`
			Memory string          `json:"memory"`
			Max    int             `json:"max"`
		} `json:"sizes"`
		Expected struct {
			Sockets int `json:"sockets"`
			Tenants int `json:"tenants"`
		} `json:"expected"`
		Tenants map[string]struct {
			Placement string `json:"placement"`
		} `json:"tenants"`
		Shards        int             `json:"shards"`
		Subscriptions int             `json:"subscriptions"`
		Quota         *capacity.Quota `json:"quota"`
		ProbeTenant   *string         `json:"probe_tenant"`
	}
	given.Quota, given.Subscriptions = &in.Quota, in.Subscriptions
	if err := json.Unmarshal(text, &given); err != nil {
		return in, fmt.Errorf("must be an object of settings in JSON: %w", err)
	}
	if given.ProbeTenant != nil {
		in.Sizes["probe"] = capacity.Size{CPU: 1, Memory: "512Mi", Max: 1}
	}
	for _, program := range slices.Sorted(maps.Keys(given.Sizes)) {
		size, ok := in.Sizes[program]
		if !ok && program != "probe" {
			return in, fmt.Errorf("sizes.%s: must be one of %s", program, strings.Join(slices.Sorted(maps.Keys(in.Sizes)), ", "))
		}
		of := given.Sizes[program]
		if len(of.CPU) > 0 {
			cpu, err := strconv.ParseFloat(string(bytes.Trim(of.CPU, `"`)), 64)
			if err != nil {
				return in, fmt.Errorf("sizes.%s.cpu: must be a number, got %s", program, of.CPU)
			}
			size.CPU = cpu
		}
		if of.Memory != "" {
			size.Memory = of.Memory
		}
		if of.Max != 0 {
			size.Max = of.Max
		}
		if ok {
			in.Sizes[program] = size
		}
	}
	own := 0
	for _, t := range given.Tenants {
		if t.Placement != "pooled" {
			own++
		}
	}
	in.Tenants, in.Sockets = max(own, given.Expected.Tenants), given.Expected.Sockets
	in.Shards, in.Subscriptions = given.Shards, given.Subscriptions
	return in, nil
}

// write says it in words, or in JSON.
func (d *doctor) write(w io.Writer, in capacity.Inputs, r capacity.Report) error {
	if d.json {
		return json.NewEncoder(w).Encode(struct {
			Inputs capacity.Inputs `json:"inputs"`
			capacity.Report
		}{in, r})
	}
	f := r.Figures
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range []string{
		"\tin use at most\tduring a release\tquota",
		fmt.Sprintf("sockets\t%d (%d a gateway; 429 beyond %d)\t\t", f.Sockets, f.SocketsPerInstance, f.SocketsMost),
		fmt.Sprintf("vCPU\t%g\t%g\t%g", f.CPU, f.CPURelease, in.Quota.CPU),
		fmt.Sprintf("GiB\t%g\t%g\t%g", f.MemoryGiB, f.MemoryReleaseGiB, in.Quota.MemoryGiB),
		fmt.Sprintf("subscriptions\t%d\t%d\t%d (budget %d)", f.Subscriptions, f.SubscriptionsRelease, in.Quota.Subscriptions, in.Subscriptions),
	} {
		_, _ = fmt.Fprintln(table, row) // Flush says it
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return errors.Join(tell(w, "refused", r.Refused), tell(w, "wall", r.Walls))
}

// tell writes a paragraph of each, in the order of their names.
func tell(w io.Writer, kind string, all map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, err := fmt.Fprintf(w, "\n%s %s: %s\n", kind, name, all[name]); err != nil {
			return err
		}
	}
	return nil
}
