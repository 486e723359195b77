package tenantcache

import (
	"fmt"
	"testing"
)

// However many are remembered, no more than twice steadyKept are, and whatever is asked for in between is among them.
func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	var r recent[int]
	r.put("used", 7)
	for n := range 5 * steadyKept {
		r.put(fmt.Sprint(n), n)
		if v, known := r.get("used"); n%1000 == 0 && (!known || v != 7) {
			t.Fatalf("what is in use was forgotten after %d others", n)
		}
		if got := len(r.now) + len(r.old); got > 2*steadyKept {
			t.Fatalf("%d are remembered", got)
		}
	}
	r.remove("used")
	if _, known := r.get("used"); known {
		t.Error("what was removed is still remembered")
	}
}
