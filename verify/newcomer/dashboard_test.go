package newcomer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// docs/dashboards.md is one session in one terminal, but for the server, which runs in another.
func TestDashboardsPageRuns(t *testing.T) { //nolint:paralleltest // its server has the port of the others
	d, folder := sitDown(t), t.TempDir()
	if err := d.bash(absolute(t, root), "go build -o "+folder+"/bin/tidewire ./cmd/tidewire").wait(patience); err != nil {
		t.Fatal(err)
	}
	d.env = append(d.env, "PATH="+folder+"/bin:"+os.Getenv("PATH"))
	before, after := &strings.Builder{}, &strings.Builder{}
	server, script := "", before
	for _, block := range blocks(read(t, filepath.Join(root, "docs", "dashboards.md"))) {
		if strings.HasPrefix(block, "tidewire dev ") {
			server, script = block, after
			continue
		}
		script.WriteString(block)
	}
	if err := d.bash(folder, "set -e\n"+before.String()).wait(patience); err != nil {
		t.Fatalf("%v\n%s", err, before)
	}
	ops := filepath.Join(folder, "ops")
	dev := d.bash(ops, "exec "+server)
	if err := dev.waitFor("Tidewire is running.", patience); err != nil {
		t.Fatal(err)
	}
	session := d.bash(ops, "set -e\n"+after.String()+`
echo '# the page'
curl -sS --fail http://127.0.0.1:8080/page.js
curl -sS --fail http://127.0.0.1:8080/ | grep page.js
`)
	if err := session.wait(patience); err != nil {
		t.Fatalf("%v\n%s", err, after)
	}
	out := session.output()
	for text, times := range map[string]int{"alerts:estate disk-7": 2, "alerts:estate cert-1": 1, "alerts:estate lag-2": 0, "I take it": 1, `src="page.js"`: 1} {
		if got := strings.Count(out, text); got != times {
			t.Errorf("%q is printed %d times, not %d:\n%s", text, got, times, out)
		}
	}
}
