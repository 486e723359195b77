package newcomer

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// elsewhere says why a block is not run here, by its first line.
var elsewhere = map[string]string{
	"make bootstrap PROJECT=my-project REGION=europe-west1": "it needs a Google Cloud project",
}

// endless are commands that go on until they are stopped: what they say once they work, and what they say later, when
// the commands below them have run.
var endless = []struct{ command, sign, later string }{
	{"make dev\n", "Tidewire is running.", ""},
	{"tidewire tail news:today\n", "reading news:today", "news:today"},
	{"go run ./examples/page\n", "http://127.0.0.1:8083", ""},
	{"go run ./examples/smallest\n", "listening", ""},
	{"go run ./examples/authorize\n", "http://127.0.0.1:8081", ""},
	{"go run ./examples/calls\n", "http://127.0.0.1:8082", ""},
	{"|| echo \"ann may not read it\"\n", "reading desk:rates", ""},
	{"tidewire tail orders:book\n", "reading orders:book", `"symbol":"EURUSD"`},
}

// Every block of the README for a terminal works as it stands, in a home folder that is empty: pasted from the top to the
// bottom, each into a terminal of its own.
func TestREADMERuns(t *testing.T) { //nolint:paralleltest // the other one has the same ports, where no network of its own can be had
	d := sitDown(t)
	top := absolute(t, root)
	var running []*command
	var later []string
	ran := 0
	for _, block := range blocks(read(t, filepath.Join(root, "README.md"))) {
		first, _, _ := strings.Cut(block, "\n")
		if reason := elsewhere[strings.TrimSpace(strings.Split(first, "  ")[0])]; reason != "" {
			t.Logf("not run, because %s: %s", reason, first)
			continue
		}
		ran++
		c := d.bash(top, block)
		sign := ""
		for _, e := range endless {
			if strings.HasSuffix(block, e.command) || strings.Contains(block, e.command) {
				sign = e.sign
				running, later = append(running, c), append(later, e.later)
				break
			}
		}
		var err error
		if sign == "" {
			err = c.wait(patience)
		} else {
			err = c.waitFor(sign, patience)
		}
		if err != nil {
			t.Fatalf("%s\n%v", block, err)
		}
	}
	for i, c := range running {
		if err := c.waitFor(later[i], patience); err != nil {
			t.Errorf("%v: %v", c.cmd.Args, err)
		}
	}
	if ran < 10 {
		t.Errorf("only %d blocks were run", ran)
	}
	// What the README says of two of them.
	page := d.bash(top, `[[ "$(curl -sS http://127.0.0.1:8083/)" == *page.js* ]]; curl -sS --fail http://127.0.0.1:8083/token`)
	if err := page.wait(patience); err != nil {
		t.Errorf("the page: %v", err)
	}
	for _, c := range running {
		if out := c.output(); strings.Contains(out, "reading desk:rates") && !strings.Contains(out, "ann may not read it") {
			t.Errorf("ann read what she may not:\n%s", out)
		}
	}
}

// docs/history.md is one session in one terminal, with a dev that runs. The stream of events is read for a while.
func TestHistoryPageRuns(t *testing.T) { //nolint:paralleltest // as above
	d, folder := devRuns(t)
	script := &strings.Builder{}
	script.WriteString("set -e -o pipefail\n")
	for _, block := range blocks(read(t, filepath.Join(root, "docs", "history.md"))) {
		if strings.HasPrefix(block, "curl -sSN ") {
			block = "timeout 5 " + strings.TrimSpace(block) + " || [ $? = 124 ]\n"
		}
		script.WriteString("echo '# block'\n" + block)
	}
	c := d.bash(folder, script.String())
	if err := c.wait(patience); err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
	parts := strings.Split(c.output(), "# block\n")
	for i, want := range [][]string{
		{"event: ok", `"rewound":3`, `"data":3`, `"data":5`}, {`"data":4`, `"data":5`, `"next":"before `}, {`"data":2`, `"data":3`},
		{"news:today - 2\n", "news:today - 5\n", `"data":1`},
	} {
		for _, text := range want {
			if i+2 >= len(parts) || !strings.Contains(parts[i+2], text) {
				t.Errorf("block %d does not print %s:\n%s", i+2, text, c.output())
			}
		}
	}
}

// devRuns returns a desk with the command tidewire, beside which dev runs, and a folder for it.
func devRuns(t *testing.T) (d *desk, folder string) {
	t.Helper()
	d, folder = sitDown(t), t.TempDir()
	build := d.bash(absolute(t, root), "go build -o "+folder+"/bin/tidewire ./cmd/tidewire")
	if err := build.wait(patience); err != nil {
		t.Fatal(err)
	}
	d.env = append(d.env, "PATH="+folder+"/bin:"+os.Getenv("PATH"))
	dev := d.bash(folder, "exec tidewire dev --demo=false --addr 127.0.0.1:8080")
	if err := dev.waitFor("Tidewire is running.", patience); err != nil {
		t.Fatal(err)
	}
	return d, folder
}

// docs/api.md is one session in one terminal, with a dev that runs and ann connected. Its commands do what the page says
// that they do: they succeed, or are refused with the status that stands behind them.
func TestAPIPageRuns(t *testing.T) { //nolint:paralleltest // as above
	d, folder := devRuns(t)
	ann := d.bash(folder, `export TIDEWIRE_URL=http://127.0.0.1:8080
export TIDEWIRE_TOKEN="$(tidewire token --tenant acme --user ann --group fx --subscribe 'prices:*')"
exec tidewire tail prices:fx`)
	if err := ann.waitFor("reading prices:fx", patience); err != nil {
		t.Fatal(err)
	}
	const status = `curl() { local out; out=$(command curl -w '\nstatus %{http_code}\n' "$@"); printf '%s\n' "$out"; last=${out##*status }; }
expect() { if [[ $last != $1* ]]; then echo "line $2: status $last, not $1"; exit 1; fi; }
`
	script := &strings.Builder{}
	script.WriteString(status)
	checked := 0
	for _, block := range blocks(read(t, filepath.Join(root, "docs", "api.md"))) {
		lines := strings.Split(strings.ReplaceAll(block, "hgol45jux77oxjip", "'$CONNECTION'"), "\n")
		for i, line := range lines {
			line = strings.ReplaceAll(line, `/'$CONNECTION'`, "/$CONNECTION")
			script.WriteString(line + "\n")
			if strings.HasPrefix(line, "api() ") {
				script.WriteString("ops() { :; }\n")
			}
			if strings.HasPrefix(line, "ops() ") {
				script.WriteString(`CONNECTION=$(command curl -sS "$API/acme/connections?user=ann" -H "Authorization: Bearer $TOKEN" | sed -E 's/.*"id":"([^"]+)".*/\1/')` + "\n")
			}
			if !regexp.MustCompile(`^(api|ops) `).MatchString(line) {
				continue
			}
			checked++
			want := "2"
			if i+1 < len(lines) {
				if m := regexp.MustCompile(`^# ([1-5][0-9]{2})\b`).FindStringSubmatch(lines[i+1]); m != nil {
					want = m[1]
				}
			}
			script.WriteString("expect " + want + " '" + strings.ReplaceAll(line, "'", "") + "'\n")
		}
	}
	if checked < 15 {
		t.Fatalf("only %d calls were found", checked)
	}
	if err := d.bash(folder, script.String()).wait(patience); err != nil {
		t.Errorf("%v\n%s", err, script)
	}
	for _, want := range []string{"(direct)", "EURUSD"} {
		if !strings.Contains(ann.output(), want) {
			t.Errorf("ann was not sent %s:\n%s", want, ann.output())
		}
	}
}

// Every page whose commands are run, or of which it is said why not.
func TestPagesWithCommandsAreRun(t *testing.T) {
	t.Parallel()
	known := map[string]string{
		"README.md": "", "docs/api.md": "", "docs/dashboards.md": "", "docs/history.md": "",
		"docs/delivery.md":   "its one command needs the channel of another page; its flags are run by cmd/tidewire, TestTailState",
		"docs/locks.md":      "its one command needs a namespace of its own; it is run by cmd/tidewire, TestPublishIf",
		"docs/operations.md": "it needs a Google Cloud project; its commands and flags are compared with the program (cmd/tidewire, TestCallsInDocs)",
	}
	for _, pattern := range []string{"*.md", "docs/*.md", "terraform/*.md", "terraform/*/*.md", "clients/*/*.md", "functions/*.md", "examples/*.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			relative, err := filepath.Rel(root, name)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := known[relative]; !ok && len(blocks(read(t, name))) > 0 {
				t.Errorf("%s has commands that nobody runs: run them here, or say why not", relative)
			}
		}
	}
}
