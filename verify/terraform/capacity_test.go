package terraform

import (
	"encoding/json"
	"maps"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/internal/capacity"
)

// plannedCapacity is the output capacity of modules/plan.
type plannedCapacity struct {
	capacity.Report
	Inputs capacity.Inputs `json:"inputs"`
}

// sized are deployments on either side of each wall.
var sized = map[string]map[string]any{
	"the least":                      {},
	"a release beyond the quota":     {"sizes": map[string]any{"gateway": map[string]any{"max": 5}}},
	"many tenants":                   {"sizes": map[string]any{"gateway": map[string]any{"max": 3}}, "expected": map[string]any{"tenants": 1600}, "concurrency": 1000},
	"as many tenants as fit":         {"sizes": map[string]any{"gateway": map[string]any{"max": 3}}, "subscriptions": 9600, "expected": map[string]any{"tenants": 1600}},
	"more topics than sockets":       {"expected": map[string]any{"tenants": 100000}, "shards": 16, "concurrency": 80},
	"sockets":                        {"expected": map[string]any{"sockets": 2401}},
	"few requests at once":           {"expected": map[string]any{"sockets": 200}, "concurrency": 81},
	"much memory":                    {"sizes": map[string]any{"gateway": map[string]any{"cpu": "2", "memory": "8Gi"}, "api": map[string]any{"memory": "1536Mi"}}, "quota": map[string]any{"cpu": 100, "memory_gib": 40.5}},
	"a small quota of subscriptions": {"quota": map[string]any{"subscriptions": 5000}},
	"a probe and tenants":            {"probe_tenant": "acme", "tenants": map[string]any{"acme": map[string]any{}, "small": map[string]any{"placement": "pooled"}}, "shards": 2},
}

// sizedGiven is what modules/plan is given for one of them.
func sizedGiven(name string) map[string]any {
	given := map[string]any{"project": "tidewire-test", "number": "123456789012", "region": "europe-west1"}
	maps.Copy(given, sized[name])
	return given
}

// carries: what plans say of walls is what tidewire doctor says, a new project's quota is enough for the least, and the root tells of each wall.
func carries(d *deployed, found *problems) {
	const at = "modules/plan/capacity.tf"
	for _, name := range sortedKeys(d.modules().capacity) {
		planned := d.modules().capacity[name]
		assessed, err := capacity.Assess(planned.Inputs)
		if err != nil {
			found.add(RuleValue, at, "%s: %v", name, err)
		}
		if diff := cmp.Diff(assessed, planned.Report); diff != "" {
			found.add(RuleValue, at, "%s: modules/plan and internal/capacity do not agree (-internal/capacity +plan):\n%s", name, diff)
		}
	}
	plan, err := d.planned(".", "the least")
	if d.failed(err); err != nil {
		return
	}
	standard(plan, found)
	for _, wall := range []string{"sockets", "cpu", "memory", "subscriptions", "budget"} {
		if _, told := plan.Checks[wall]; !told {
			found.add(RuleValue, "walls.tf", "no plan tells of the wall %s", wall)
		}
	}
}

// standard: what the root has by default fits the quota of a new project, and is what internal/capacity takes for it.
func standard(plan *Plan, found *problems) {
	var planned plannedCapacity
	if err := json.Unmarshal(plan.Outputs["capacity"], &planned); err != nil {
		found.add(RuleValue, "outputs.tf", "the output capacity: %v", err)
		return
	}
	if diff := cmp.Diff(capacity.Defaults(), planned.Inputs); diff != "" {
		found.add(RuleValue, "variables.tf", "the defaults of internal/capacity are not those of the root (-internal/capacity +root):\n%s", diff)
	}
	if len(planned.Walls)+len(planned.Refused) > 0 {
		found.add(RuleValue, "variables.tf", "the defaults do not fit a new project's quota: %v %v", planned.Walls, planned.Refused)
	}
}
