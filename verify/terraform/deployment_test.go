package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// deployed is the HCL in a folder as the contracts with the program look at it: what Terraform plans of its roots on the stub, and what its
// modules without providers put out. Each plan is made when it is asked for first. It is safe for concurrent use.
type deployed struct {
	tree    string
	ask     func(root, name string) (*Plan, error) // plans a root with one of its deployments
	modules func() modules

	mu    sync.Mutex // guards what follows
	plans map[string]*planning
	errs  []error // why something could not be planned
}

// planning is a plan that is made once.
type planning struct {
	once sync.Once
	plan *Plan
	err  error
}

// modules is what modules without providers put out.
type modules struct {
	plan     Planned
	signals  signals
	capacity map[string]plannedCapacity // by what is planned
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
	"hook_url": "https://hooks.example.com/lost", "crawler": crawlerGiven, "filter": filterGiven,
	"tenants": map[string]any{"acme": map[string]any{}, "initech": map[string]any{"placement": "pooled"}},
	"domains": map[string]any{"gateway": "live.example.com", "api": "api.example.com", "dashboard": "see.example.com", "ingest": "in.example.com"},
}

var (
	crawlerGiven = map[string]any{"hosts": []any{"docs.example.com", "*.example.org"}, "publishers": []any{"serviceAccount:jobs@tidewire-test.iam.gserviceaccount.com"}}
	filterGiven  = map[string]any{"rules": `{"tenant":"acme","fields":["data.severity"],"rules":[{"when":"num(data.severity) >= 3","channel":"alerts:{tags.region}","key":"{data.host}"}]}`}
)

var signalsGiven = map[string]any{"project": "tidewire-test", "functions": []any{"crawler", "filter"}, "uptime_check_ids": map[string]any{"gateway": "a", "probe": "b"}}

// withStub removes the stub after the tests.
type withStub struct{ tests goleak.TestingM }

func (w withStub) Run() int {
	code := w.tests.Run()
	if built, err := stub(); err == nil {
		_ = built.Close() // what is left is in the folder for what is left
	}
	return code
}

// stub is built once, for all tests.
var stub = sync.OnceValues(func() (*Stub, error) {
	return BuildStub(context.Background(), "stub", filepath.Join("schema", "google.json.gz"))
})

// ours is the HCL of this repository.
var ours = sync.OnceValue(func() *deployed { return deploy(context.Background(), tree) })

// deploy looks at the HCL in a folder.
func deploy(ctx context.Context, tree string) *deployed {
	d := &deployed{tree: tree, plans: map[string]*planning{}}
	d.ask = func(root, name string) (plan *Plan, err error) {
		built, err := stub()
		if err != nil {
			return nil, err
		}
		folder, err := os.MkdirTemp("", "tidewire-plan-")
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
		w, err := built.Open(ctx, tree, folder, root)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(w.Dir, archive), []byte("functions"), 0o600); err != nil {
			return nil, err
		}
		return w.Plan(ctx, deployments[root][name])
	}
	d.modules = sync.OnceValue(func() modules {
		m, err := evaluated(ctx, tree)
		d.failed(err)
		return m
	})
	return d
}

func evaluated(ctx context.Context, tree string) (m modules, err error) {
	calls := map[string]Call{"plan": {"modules/plan", planGiven}, "signals": {"modules/signals", signalsGiven}}
	names := sortedKeys(sized)
	for n, name := range names {
		calls[fmt.Sprintf("capacity_%d", n)] = Call{"modules/plan", sizedGiven(name)}
	}
	outputs, err := Evaluate(ctx, tree, calls)
	if err != nil {
		return m, err
	}
	m.capacity = map[string]plannedCapacity{}
	for n, name := range names {
		var planned plannedCapacity
		if err := json.Unmarshal(outputs[fmt.Sprintf("capacity_%d", n)]["capacity"], &planned); err != nil {
			return m, fmt.Errorf("the output capacity of %s: %w", name, err)
		}
		m.capacity[name] = planned
	}
	for name, into := range map[string]any{"plan": &m.plan, "signals": &m.signals} {
		text, err := json.Marshal(outputs[name])
		if err != nil {
			return m, err
		}
		if err := json.Unmarshal(text, into); err != nil {
			return m, fmt.Errorf("the outputs of %s: %w", name, err)
		}
	}
	return m, nil
}

// planned is what Terraform plans of a root with one of its deployments.
func (d *deployed) planned(root, name string) (*Plan, error) {
	d.mu.Lock()
	p := d.plans[root+", "+name]
	if p == nil {
		p = &planning{}
		d.plans[root+", "+name] = p
	}
	d.mu.Unlock()
	p.once.Do(func() { p.plan, p.err = d.ask(root, name) })
	if p.err != nil {
		return nil, fmt.Errorf("%s, %s: %w", root, name, p.err)
	}
	return p.plan, nil
}

// resources are those of one deployment. That it cannot be planned is told by fault.
func (d *deployed) resources(root, name string) []Instance {
	p, err := d.planned(root, name)
	d.failed(err)
	if err != nil {
		return nil
	}
	return p.Instances
}

// failed notes that something could not be planned.
func (d *deployed) failed(err error) {
	if err != nil {
		d.mu.Lock()
		d.errs = append(d.errs, err)
		d.mu.Unlock()
	}
}

// fault is why something could not be planned, or nil.
func (d *deployed) fault() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(d.errs...)
}

func (d *deployed) plan() Planned    { return d.modules().plan }
func (d *deployed) signals() signals { return d.modules().signals }

// root are the resources of the deployment with all there is, and bootstrap those of what is made once before it.
func (d *deployed) root() []Instance      { return d.resources(".", "all there is") }
func (d *deployed) bootstrap() []Instance { return d.resources("bootstrap", "all there is") }

// instances are both.
func (d *deployed) instances() []Instance { return append(d.bootstrap(), d.root()...) }

// of returns the instances of a type.
func of(instances []Instance, kind string) []Instance {
	var all []Instance
	for _, i := range instances {
		if i.Type == kind {
			all = append(all, i)
		}
	}
	return all
}

// program finds the service or function of a short name.
func (d *deployed) program(short string) (Instance, bool) {
	for _, i := range append(of(d.root(), "google_cloud_run_v2_service"), of(d.root(), "google_cloudfunctions2_function")...) {
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

func TestContracts(t *testing.T) {
	t.Parallel()
	for name, contract := range contracts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found problems
			contract(ours(), &found)
			need(t, ours().fault())
			for _, p := range found.sorted() {
				t.Errorf("terraform/%v", p)
			}
		})
	}
}
