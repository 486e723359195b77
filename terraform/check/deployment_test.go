package check

import (
	"encoding/json"
	"fmt"
)

// deployed is a deployment of everything, as the contracts with the program look at it.
type deployed struct {
	tree      *Tree
	instances []Instance
	plan      Planned
	signals   signals
}

// signals are the outputs of modules/signals.
type signals struct {
	Dashboard  string                                     `json:"dashboard_json"`
	Alerts     map[string]alert                           `json:"alerts"`
	Objective  objective                                  `json:"objective"`
	LogMetrics map[string]logMetric                       `json:"log_metrics"`
	Metrics    struct{ Own map[string][]string }          `json:"metrics"`
	Queries    struct{ Charts, Alerts map[string]string } `json:"queries"`
}

type alert struct {
	Runbook    string `json:"runbook"`
	Conditions map[string]struct {
		Duration  float64 `json:"duration"`
		Threshold *struct{ Filter string }
	} `json:"conditions"`
}

type objective struct{ Filter string }

type logMetric struct {
	Filter string            `json:"filter"`
	Value  *string           `json:"value"`
	Labels map[string]string `json:"labels"`
}

// planGiven is what modules/plan is given in the contracts: every kind of tenant, and all that may be left out.
var planGiven = map[string]any{
	"project": "tidewire-test", "number": "123456789012", "region": "europe-west1", "shards": 2, "probe_tenant": "acme", "demo": true,
	"hook_url": "https://hooks.example.com/lost",
	"tenants":  map[string]any{"acme": map[string]any{}, "initech": map[string]any{"placement": "pooled"}},
	"domains":  map[string]any{"gateway": "live.example.com", "api": "api.example.com", "dashboard": "see.example.com", "ingest": "in.example.com"},
}

var signalsGiven = map[string]any{"project": "tidewire-test", "uptime_check_ids": map[string]any{"gateway": "a", "probe": "b"}}

// deploy evaluates the HCL in a folder with all there is.
func deploy(root string) (*deployed, error) {
	t, err := Read(root)
	if err != nil {
		return nil, err
	}
	d := &deployed{tree: t}
	for _, root := range []string{"bootstrap", "."} {
		instances, _ := t.Expand(root, deployments[root]["all there is"]) // its problems are TestTree's
		d.instances = append(d.instances, instances...)
	}
	if err := evaluated(t, "modules/plan", planGiven, &d.plan); err != nil {
		return nil, err
	}
	return d, evaluated(t, "modules/signals", signalsGiven, &d.signals)
}

func evaluated(t *Tree, dir string, inputs map[string]any, into any) error {
	outputs, problems := t.Evaluate(dir, Given{Inputs: inputs})
	if len(problems) > 0 {
		return fmt.Errorf("%s: %v", dir, problems)
	}
	text, err := json.Marshal(outputs)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// of returns the instances of a type.
func (d *deployed) of(kind string) []Instance {
	var all []Instance
	for _, i := range d.instances {
		if i.Type == kind && i.Kind == "resource" {
			all = append(all, i)
		}
	}
	return all
}

// program finds the service or function of a short name.
func (d *deployed) program(short string) (Instance, bool) {
	for _, i := range append(d.of("google_cloud_run_v2_service"), d.of("google_cloudfunctions2_function")...) {
		if name, _ := i.Text("name"); name == "tidewire-"+short {
			return i, true
		}
	}
	return Instance{}, false
}

// contracts are what the HCL and the program have to agree on. Each says what they do not.
var contracts = map[string]func(*deployed, *problems){
	"environment": environments,
	"topics":      topics,
	"fields":      fields,
	"probes":      probes,
	"limits":      limits,
	"metrics":     metrics,
	"logs":        logs,
	"rights":      rights,
	"accounts":    accounts,
	"builders":    builders,
	"makers":      makers,
	"capacity":    carries,
	"costs":       costs,
	"options":     options,
	"images":      cleaned,
}

// disagree lists what the HCL in a folder and the program do not agree on.
func disagree(root string) ([]Problem, error) {
	d, err := deploy(root)
	if err != nil {
		return nil, err
	}
	var all problems
	for name, contract := range contracts {
		var found problems
		contract(d, &found)
		for _, p := range found {
			p.Text = name + ": " + p.Text
			all = append(all, p)
		}
	}
	return all.sorted(), nil
}
