package terraform

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Plan is what Terraform plans of a root on the stub. What Google computes is in it as the stub makes it up, so that two things which refer to
// the same have the same.
type Plan struct {
	Instances []Instance
	Outputs   map[string]json.RawMessage
	Checks    map[string]bool // blocks of type check by name, and whether what they assert holds
	Secrets   []Secret
	config    configuration
}

// Secret is what a write-only argument of a resource is given, which no plan holds.
type Secret struct {
	Type, Argument, Value string
	Of                    string // the id of the secret that it is put into
}

// configuration is the source of a root as Terraform's JSON has it.
type configuration struct {
	Providers map[string]struct {
		Expressions map[string]struct {
			Constant   any      `json:"constant_value"`
			References []string `json:"references"`
		} `json:"expressions"`
	} `json:"provider_config"`
	Root configModule `json:"root_module"`
}

// configModule is a module as it is written.
type configModule struct {
	Resources []struct {
		Address      string `json:"address"`
		Mode         string `json:"mode"`
		Type         string `json:"type"`
		Provisioners []any  `json:"provisioners"`
	} `json:"resources"`
	Calls map[string]struct {
		Module  configModule    `json:"module"`
		Waits   []string        `json:"depends_on"`
		Count   json.RawMessage `json:"count_expression"`
		ForEach json.RawMessage `json:"for_each_expression"`
	} `json:"module_calls"`
}

// shown is what terraform show -json writes of a plan.
type shown struct {
	Planned struct {
		Outputs map[string]struct {
			Value json.RawMessage `json:"value"`
		} `json:"outputs"`
	} `json:"planned_values"`
	Changes []struct {
		Address string `json:"address"`
		Mode    string `json:"mode"`
		Type    string `json:"type"`
		Name    string `json:"name"`
		Change  struct {
			After map[string]any `json:"after"`
		} `json:"change"`
	} `json:"resource_changes"`
	Checks []struct {
		Address struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"address"`
		Status string `json:"status"`
	} `json:"checks"`
	Configuration configuration `json:"configuration"`
}

// Plan plans the root with its variables, and has the stub foretell what Google computes. The error is what Terraform says of HCL that it
// does not take. It takes some seconds.
func (w *Workspace) Plan(ctx context.Context, variables map[string]any) (*Plan, error) {
	if err := w.Give(variables); err != nil {
		return nil, err
	}
	secrets, err := filepath.Abs(filepath.Join(w.Dir, "told.secrets"))
	if err != nil {
		return nil, err
	}
	if _, err := w.with(ctx, []string{"TIDEWIRE_FORETOLD=1", "TIDEWIRE_SECRETS=" + secrets}, "plan", "-refresh=false", "-input=false", "-out=planned"); err != nil {
		return nil, err
	}
	p, err := w.show(ctx)
	if err != nil {
		return nil, err
	}
	p.Secrets, err = readSecrets(secrets)
	return p, errors.Join(err, os.RemoveAll(secrets), os.RemoveAll(filepath.Join(w.Dir, "planned")))
}

// show reads the plan that was made.
func (w *Workspace) show(ctx context.Context) (*Plan, error) {
	text, err := w.Run(ctx, "show", "-json", "planned")
	if err != nil {
		return nil, err
	}
	var s shown
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, fmt.Errorf("the plan of %s: %w", w.Dir, err)
	}
	p := &Plan{Outputs: map[string]json.RawMessage{}, Checks: map[string]bool{}, config: s.Configuration}
	for _, c := range s.Changes {
		if c.Mode == "managed" {
			p.Instances = append(p.Instances, Instance{c.Address, c.Type, c.Name, c.Change.After})
		}
	}
	for name, output := range s.Planned.Outputs {
		p.Outputs[name] = output.Value
	}
	for _, c := range s.Checks {
		if c.Address.Kind == "check" {
			p.Checks[c.Address.Name] = c.Status == "pass"
		}
	}
	return p, nil
}

func readSecrets(name string) ([]Secret, error) {
	f, err := os.Open(name) //nolint:gosec // ours
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	var all []Secret
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var one Secret
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// Call is a module with what it is given.
type Call struct {
	Module string // the folder below the tree
	Inputs map[string]any
}

// Evaluate has Terraform evaluate modules that need no provider, all in one run, and returns the outputs of each. The error is
// ErrMissing where Terraform is not installed.
func Evaluate(ctx context.Context, tree string, calls map[string]Call) (map[string]map[string]json.RawMessage, error) {
	modules, outputs := map[string]any{}, map[string]any{}
	for name, call := range calls {
		given := map[string]any{"source": "../" + call.Module}
		for input, value := range call.Inputs {
			given[input] = value
		}
		modules[name] = given
		outputs[name] = map[string]any{"value": "${module." + name + "}"}
	}
	root, err := json.Marshal(map[string]any{"module": modules, "output": outputs})
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]json.RawMessage{}
	err = inCopy(tree, func(tree string) error {
		w := &Workspace{Tree: tree, Dir: filepath.Join(tree, "evaluated"), stub: &Stub{}}
		if err := os.Mkdir(w.Dir, 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(w.Dir, "main.tf.json"), root, 0o600); err != nil {
			return err
		}
		for _, args := range [][]string{{"get"}, {"plan", "-input=false", "-out=planned"}} {
			if _, err := Command(ctx, w.Dir, args...); err != nil {
				return err
			}
		}
		p, err := w.show(ctx)
		if err != nil {
			return err
		}
		for name, output := range p.Outputs {
			into := map[string]json.RawMessage{}
			if err := json.Unmarshal(output, &into); err != nil {
				return err
			}
			all[name] = into
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("evaluating %s: %w", strings.Join(sortedKeys(calls), ", "), err)
	}
	return all, nil
}
