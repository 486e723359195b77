package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/internal/capacity"
)

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
