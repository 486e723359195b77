package cloudruntest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime/environment"
)

// required is what the documentation calls the default of a variable that has to be set.
const required = "required"

// Documented fails the test unless the table in file lists exactly the variables that
// a service reads, with their defaults.
func Documented(t *testing.T, file, service string, read func(*environment.Reader)) {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // the test says which file
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || !strings.Contains(cells[0], "`") {
			continue
		}
		if services := strings.TrimSpace(cells[1]); services != "all" && services != service {
			continue
		}
		for name := range strings.SplitSeq(cells[0], ",") {
			documented[strings.Trim(name, " `")] = strings.Trim(cells[3], " `")
		}
	}
	e := environment.New(func(string) (string, bool) { return "", false })
	read(e)
	has := map[string]string{}
	for _, v := range e.Variables() {
		has[v.Name] = v.Default
	}
	if err := e.Err(); err != nil {
		for line := range strings.Lines(err.Error()) {
			if name, _, missing := strings.Cut(line, ": is not set"); missing {
				has[name] = required
			}
		}
	}
	if diff := cmp.Diff(documented, has); diff != "" {
		t.Errorf("%s (-documented +read):\n%s", file, diff)
	}
}
