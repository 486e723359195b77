// Package doctor computes what a deployment on Google Cloud carries, and compares it with the quotas of its project.
package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/internal/capacity"
)

// ErrOverLimit ends a Doctor that has found something: it has said what.
var ErrOverLimit = errors.New("the deployment would be refused, or would exceed a limit")

// Doctor is what the command is asked.
type Doctor struct {
	Outputs, Vars   string // files with the inputs; empty: none
	Project, Region string // whose quotas are read; empty: nobody's
	JSON            bool
	// Gcloud runs a command of gcloud; nil: that of this machine.
	Gcloud func(ctx context.Context, args ...string) ([]byte, error)
	// ReadFile reads a file, or standard input for "-".
	ReadFile func(name string) ([]byte, error)
}

// Run writes what it finds to out. The error is ErrOverLimit if that is anything.
func (d *Doctor) Run(ctx context.Context, out io.Writer) error {
	in, err := d.inputs()
	if err != nil {
		return err
	}
	if d.Project != "" {
		if err := d.quotas(ctx, &in.Quota); err != nil {
			return err
		}
	}
	report, err := capacity.Assess(in)
	if err != nil {
		return usage.Errorf("%w", err)
	}
	if err := d.write(out, in, report); err != nil {
		return err
	}
	if len(report.Refused)+len(report.Walls) > 0 {
		return ErrOverLimit
	}
	return nil
}

// inputs are those of Terraform, of the file of settings, or the defaults.
func (d *Doctor) inputs() (capacity.Inputs, error) {
	switch {
	case d.Outputs != "" && d.Vars != "":
		return capacity.Inputs{}, usage.Errorf("--outputs and --vars: use only one of them")
	case (d.Project == "") != (d.Region == ""):
		return capacity.Inputs{}, usage.Errorf("--project and --region: use both or neither")
	case d.Outputs != "":
		text, err := d.ReadFile(d.Outputs)
		if err != nil {
			return capacity.Inputs{}, usage.Errorf("--outputs: %w", err)
		}
		in, err := ofTerraform(text)
		if err != nil {
			return in, usage.Errorf("--outputs: %w", err)
		}
		return in, nil
	case d.Vars != "":
		text, err := d.ReadFile(d.Vars)
		if err != nil {
			return capacity.Inputs{}, usage.Errorf("--vars: %w", err)
		}
		in, err := ofSettings(text)
		if err != nil {
			return in, usage.Errorf("--vars: %w", err)
		}
		return in, nil
	}
	return capacity.Defaults(), nil
}

// write says it in words, or in JSON.
func (d *Doctor) write(w io.Writer, in capacity.Inputs, r capacity.Report) error {
	if d.JSON {
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
	return errors.Join(writeAll(w, "refused", r.Refused), writeAll(w, "wall", r.Walls))
}

// writeAll writes a paragraph of each, in the order of their names.
func writeAll(w io.Writer, kind string, all map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, err := fmt.Fprintf(w, "\n%s %s: %s\n", kind, name, all[name]); err != nil {
			return err
		}
	}
	return nil
}
