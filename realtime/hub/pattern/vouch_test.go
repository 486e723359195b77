package pattern

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// young is a topic that has been followed since a moment.
type young struct {
	Owner
	since int64
}

func (y *young) CompleteSince(string, bool) int64 { return y.since }

// What may be missing is told once, and again only when something else may be.
func TestMissedIsToldOnce(t *testing.T) {
	t.Parallel()
	topic, told := &young{since: 100_000}, []int64{}
	ss := New(topic, time.Minute, 0)
	ss.Add(&Subscription{Pattern: "a:*", Tenant: "acme", Missed: func(ms int64) { told = append(told, ms) }}, map[realtime.Channel]realtime.Position{}, 90_000, 100_000, nil)
	for ms := int64(100_001); ms < 200_000; ms += 1000 {
		ss.Vouch(ms)
	}
	topic.since = 199_990
	ss.Vouch(200_000)
	ss.Vouch(201_000)
	if len(told) != 2 || told[0] != 100_000 || told[1] != 199_990 {
		t.Errorf("told %v", told)
	}
}
