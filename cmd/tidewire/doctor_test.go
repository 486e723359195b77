package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/internal/capacity"
)

// examined runs the command on what it is given by files and standard input.
func examined(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), std{in: strings.NewReader(stdin), out: &o, err: &e}, append([]string{"doctor"}, args...))
	return code, o.String(), e.String()
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	inputs := capacity.Defaults()
	inputs.Sockets = 5000
	of := func(wrap func(value any) any) string {
		text, err := json.Marshal(wrap(map[string]any{"value": map[string]any{"inputs": inputs}}))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	output := of(func(v any) any { return map[string]any{"capacity": v, "api_url": map[string]any{"value": "x"}} })
	plan := of(func(v any) any {
		return map[string]any{"planned_values": map[string]any{"outputs": map[string]any{"capacity": v}}}
	})
	state := of(func(v any) any {
		return map[string]any{"values": map[string]any{"outputs": map[string]any{"capacity": v}}}
	})
	for name, c := range map[string]struct {
		stdin string
		args  []string
		code  int
		out   string // within what it says, or the error
	}{
		"the defaults":                {args: nil, out: "2400 (600 a gateway; 429 beyond 4000)"},
		"terraform output":            {stdin: output, args: []string{"--outputs", "-"}, code: exitFailed, out: "wall sockets: 5000 sockets are expected"},
		"terraform show of a plan":    {stdin: plan, args: []string{"--outputs", "-"}, code: exitFailed, out: "wall sockets"},
		"terraform show of a state":   {stdin: state, args: []string{"--outputs", "-"}, code: exitFailed, out: "wall sockets"},
		"settings":                    {stdin: `{"sizes": {"gateway": {"cpu": "2", "max": 11}}, "region": "europe-west1"}`, args: []string{"--vars", "-"}, code: exitFailed, out: "refused cpu-gateway: gateway: 11 instances of 2 vCPU"},
		"settings that fit":           {stdin: `{"sizes": {"gateway": {"max": 8}}, "quota": {"cpu": 100}, "expected": {"sockets": 4800}}`, args: []string{"--vars", "-"}, out: "4800 (600 a gateway"},
		"a budget of settings":        {stdin: `{"subscriptions": 100, "tenants": {"a": {}, "b": {"placement": "pooled"}}, "shards": 20}`, args: []string{"--vars", "-"}, code: exitFailed, out: "21 topics times 4 gateways"},
		"the probe of settings":       {stdin: `{"probe_tenant": "acme", "sizes": {"probe": {"max": 30}}}`, args: []string{"--vars", "-"}, code: exitFailed, out: "refused cpu-probe"},
		"no output":                   {stdin: `{"api_url": {"value": "x"}}`, args: []string{"--outputs", "-"}, code: exitUsage, out: "has no output capacity"},
		"no JSON":                     {stdin: `api_url = "x"`, args: []string{"--outputs", "-"}, code: exitUsage, out: "--outputs: must be JSON"},
		"settings that are no JSON":   {stdin: `shards = 1`, args: []string{"--vars", "-"}, code: exitUsage, out: "--vars: must be an object"},
		"a program that there is not": {stdin: `{"sizes": {"gatway": {"max": 1}}}`, args: []string{"--vars", "-"}, code: exitUsage, out: "sizes.gatway: must be one of"},
		"a CPU in words":              {stdin: `{"sizes": {"gateway": {"cpu": "two"}}}`, args: []string{"--vars", "-"}, code: exitUsage, out: "sizes.gateway.cpu"},
		"memory without unit":         {stdin: `{"sizes": {"gateway": {"memory": "512"}}}`, args: []string{"--vars", "-"}, code: exitUsage, out: "sizes.gateway"},
		"no file":                     {args: []string{"--vars", filepath.Join(t.TempDir(), "none")}, code: exitUsage, out: "--vars"},
		"both":                        {args: []string{"--vars", "-", "--outputs", "-"}, code: exitUsage, out: "use only one of them"},
		"a project without a region":  {args: []string{"--project", "p"}, code: exitUsage, out: "--region"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := examined(t, c.stdin, c.args...)
			if code != c.code || !strings.Contains(out+errs, c.out) {
				t.Errorf("code %d, want %d; %q not in:\n%s%s", code, c.code, c.out, out, errs)
			}
		})
	}
}

func TestDoctorInJSON(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "terraform.tfvars.json")
	if err := os.WriteFile(file, []byte(`{"expected": {"sockets": 9999}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := examined(t, "", "--json", "--vars", file)
	var got struct {
		Inputs  capacity.Inputs   `json:"inputs"`
		Figures capacity.Figures  `json:"figures"`
		Walls   map[string]string `json:"walls"`
		Refused map[string]string `json:"refused"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if code != exitFailed || got.Inputs.Sockets != 9999 || got.Figures.Sockets != 2400 || got.Walls["sockets"] == "" || len(got.Refused) != 0 {
		t.Errorf("code %d: %s", code, out)
	}
}
