package wire_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

func readProtocol(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// TestProtocolShowsTheGoldenFrames keeps the examples of docs/protocol.md true: each is a
// golden frame, and each golden frame is among them.
func TestProtocolShowsTheGoldenFrames(t *testing.T) {
	t.Parallel()
	missing := map[string]string{}
	for _, side := range []string{"client", "server"} {
		for name, frame := range goldenFiles(t, side) {
			missing[string(frame)] = side + "/" + name + ".json"
		}
	}
	golden := maps.Clone(missing)
	for n, line := range readProtocol(t) {
		if !strings.HasPrefix(line, `{"type":`) {
			continue
		}
		if _, ok := golden[line]; !ok {
			t.Errorf("docs/protocol.md:%d: no golden frame is %s", n+1, line)
		}
		delete(missing, line)
	}
	for _, name := range slices.Sorted(maps.Values(missing)) {
		t.Errorf("docs/protocol.md does not show %s", name)
	}
}

// TestProtocolTableOfCodes compares the one table of the document with the one of the source.
func TestProtocolTableOfCodes(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, c := range constants(t, "../codes.go", "Code") {
		m := realtime.Code(c).Meaning()
		want["`"+c+"`"] = fmt.Sprintf("HTTP %d, close %d, %s", m.Status, m.Close, m.Advice)
	}
	got := map[string]string{}
	for _, line := range readProtocol(t) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		got[cells[1]] = fmt.Sprintf("HTTP %s, close %s, %s", cells[2], cells[3], cells[5])
	}
	delete(got, "`resumed`") // the heading of the table of answers
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of codes in docs/protocol.md (-want +got):\n%s", diff)
	}
}
