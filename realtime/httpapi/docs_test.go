package httpapi_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime/httpapi"
)

// The table of docs/api.md lists every call, with the part of manage that it needs, and the role of an operator.
func TestCallsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 && strings.Contains(cells[1], " /v1/") {
			got = append(got, strings.Trim(cells[1], " `")+" "+strings.Trim(cells[2], " `")+" "+strings.Trim(cells[3], " `"))
		}
	}
	want := []string{"GET /v1/openapi.json anybody anybody"}
	for route, part := range httpapi.PartsOfRoutes() {
		want = append(want, route+" "+part)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-routes +documented):\n%s", diff)
	}
}
