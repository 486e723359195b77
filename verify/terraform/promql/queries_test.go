package promql

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// signals is what the module puts out.
type signals struct {
	charts, alerts map[string]string // queries by what makes them
}

// render has Terraform evaluate the module, in a folder of its own.
func render(t *testing.T) signals {
	t.Helper()
	files, err := filepath.Glob("../../../terraform/modules/signals/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("the module is not there: %v", err)
	}
	folder := t.TempDir()
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, filepath.Base(f)), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	terraform(t, folder, "init", "-backend=false", "-input=false")
	terraform(t, folder, "apply", "-auto-approve", "-input=false", "-var=project=my-project", `-var=uptime_check_ids={"gateway":"g","probe":"p"}`, `-var=functions=["crawler","filter"]`)
	var outputs struct {
		Queries struct {
			Value struct{ Charts, Alerts map[string]string }
		}
	}
	if err := json.Unmarshal(terraform(t, folder, "output", "-json"), &outputs); err != nil {
		t.Fatal(err)
	}
	return signals{outputs.Queries.Value.Charts, outputs.Queries.Value.Alerts}
}

func terraform(t *testing.T, folder string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "terraform", append([]string{"-chdir=" + folder}, args...)...)
	cmd.Env = []string{"CHECKPOINT_DISABLE=1", "PATH=" + os.Getenv("PATH"), "HOME=" + folder}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("terraform %s: %v\n%s%s", strings.Join(args, " "), err, out, complaints.Bytes())
	}
	return out
}

func TestQueriesAreRead(t *testing.T) {
	t.Parallel()
	s := render(t)
	p := parser.NewParser(parser.Options{})
	for key, query := range s.charts {
		// The menu of the dashboard puts one matcher there.
		if _, err := p.ParseExpr(strings.ReplaceAll(query, "${tenant}", `tenant=~".*"`)); err != nil {
			t.Errorf("chart %s: %v\n%s", key, err, query)
		}
	}
	for key, query := range s.alerts {
		if _, err := p.ParseExpr(query); err != nil {
			t.Errorf("alert %s: %v\n%s", key, err, query)
		}
	}
	t.Logf("%d queries of charts and %d of alerts", len(s.charts), len(s.alerts))
}
