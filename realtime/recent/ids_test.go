package recent

import (
	"testing"
	"time"
)

func TestIDsAreRememberedLongEnoughAndNotForEver(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	s := NewIDs(time.Minute, now)
	if s.Repeated("acme", "a", "1") || !s.Repeated("acme", "a", "1") || s.Repeated("acme", "b", "1") || s.Repeated("globex", "a", "1") {
		t.Fatal("IDs are of one channel of one tenant")
	}
	s.Turn(now.Add(time.Minute))
	if !s.Repeated("acme", "a", "1") {
		t.Error("forgotten after a minute")
	}
	s.Turn(now.Add(2 * time.Minute))
	s.Turn(now.Add(3 * time.Minute))
	s.Turn(now.Add(4 * time.Minute))
	if s.Repeated("acme", "a", "1") {
		t.Error("remembered for ever")
	}
}
