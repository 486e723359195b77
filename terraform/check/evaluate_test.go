package check

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the check evaluates by itself is what Terraform makes of the same: of every module that Terraform can run here, with the
// least and with all there is.
func TestEvaluateAsTerraformDoes(t *testing.T) {
	t.Parallel()
	read, err := Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, module string
		inputs       map[string]any
	}{
		{"plan, the least", "modules/plan", map[string]any{"project": "tidewire-test", "number": "123456789012", "region": "europe-west1"}},
		{"plan, all there is", "modules/plan", planGiven},
		{"plan, defaults of a map", "modules/plan", map[string]any{
			"project": "tidewire-test", "number": "1", "region": "us-east1", "name": "other", "shards": 3, "telemetry": false, "log_level": "warn", "database": "(default)",
			"tenants": map[string]any{"a": map[string]any{"retention_seconds": 1200, "limits": map[string]any{"connections": 7}}, "b": map[string]any{"placement": "pooled"}},
		}},
		{"signals, the least", "modules/signals", map[string]any{"project": "tidewire-test"}},
		{"signals, all there is", "modules/signals", signalsGiven},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			theirs, err := Outputs(t.Context(), tree+"/"+tt.module, tt.inputs)
			need(t, err)
			ours, problems := read.Evaluate(tt.module, Given{Inputs: tt.inputs})
			for _, p := range problems {
				t.Error(p)
			}
			if diff := cmp.Diff(parsed(t, theirs), parsed(t, ours)); diff != "" {
				t.Errorf("outputs (-Terraform +check):\n%s", diff)
			}
		})
	}
}

func parsed(t *testing.T, outputs map[string]json.RawMessage) map[string]any {
	t.Helper()
	all := map[string]any{}
	for name, text := range outputs {
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		all[name] = value
	}
	return all
}
