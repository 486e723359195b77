package realtime_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// What a tenant may publish, a store can keep.
func TestStateFitsItsStore(t *testing.T) {
	t.Parallel()
	no := false
	for name, tt := range map[string]struct {
		state *realtime.State
		bytes int
		says  string
	}{
		"default":      {&realtime.State{}, 0, ""},
		"the most":     {&realtime.State{}, realtime.MaxStateBytes, ""},
		"too much":     {&realtime.State{}, realtime.MaxStateBytes + 1, "limits.messageBytes: must be at most 1000000, because namespaces.fleet.state is durable, got 1000001"},
		"not durable":  {&realtime.State{Durable: &no}, realtime.MaxMessageBytes, ""},
		"without":      {nil, realtime.MaxMessageBytes, ""},
		"far too much": {nil, realtime.MaxMessageBytes + 1, "limits.messageBytes: must be at most 1048576"},
	} {
		doc := &realtime.Tenant{ID: "acme", Limits: realtime.Limits{MessageBytes: tt.bytes}, Namespaces: map[string]realtime.Namespace{"fleet": {State: tt.state}}}
		if err := doc.Check(); (err == nil) != (tt.says == "") || err != nil && !strings.HasPrefix(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
}
