package telemetry_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime/telemetry"
)

// The documentation lists every metric with its kind and unit, and no other.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	documented, has := map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 4 && strings.HasPrefix(cells[1], " `"+telemetry.Prefix) {
			documented[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[2]) + " in " + strings.TrimSpace(cells[3])
		}
	}
	for _, i := range telemetry.Instruments() {
		has[i.Name] = string(i.Kind) + " in " + i.Unit
	}
	if diff := cmp.Diff(documented, has); diff != "" {
		t.Errorf("(-documented +registered):\n%s", diff)
	}
}
