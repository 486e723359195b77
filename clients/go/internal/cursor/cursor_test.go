package cursor

import (
	"fmt"
	"testing"
)

// Repetitions are dropped, by their IDs, also a thousand messages later.
func TestRecent(t *testing.T) {
	t.Parallel()
	var r recent
	for i := range 3000 {
		if r.seen(fmt.Sprint(i)) {
			t.Fatalf("%d was not seen before", i)
		}
		if i >= 999 && !r.seen(fmt.Sprint(i-999)) {
			t.Fatalf("%d was seen before", i-999)
		}
	}
	if len(r.known) != remembered || len(r.order) != remembered {
		t.Errorf("it remembers %d and %d", len(r.known), len(r.order))
	}
}
