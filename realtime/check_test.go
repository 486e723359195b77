package realtime_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// TestMessageCheck: the moments that a broker may not bring. The suite of brokers has the other fields.
func TestMessageCheck(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_767_225_600_000)
	prices, err := realtime.NewChannel("acme", "prices")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		at    time.Time
		field string // that is refused; empty: none is
	}{
		{"now", now, ""},
		{"the broker's clock is ahead", now.Add(time.Minute), ""},
		{"a replay", now.Add(-31 * 24 * time.Hour), ""},
		{"none", time.Time{}, "time"},
		{"1970", time.UnixMilli(0), "time"},
		{"before 1970", time.UnixMilli(-1), "time"},
		{"tomorrow", now.Add(24 * time.Hour), "time"},
		{"more than a Position holds", time.UnixMilli(1 << 48), "time"},
		{"the end of time", time.Unix(0, math.MaxInt64), "time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: prices, ID: "1", Time: tt.at}}
			err := m.Check(now)
			if (err == nil) != (tt.field == "") || err != nil && !strings.HasPrefix(err.Error(), tt.field+":") {
				t.Errorf("got %v, want a fault of %q", err, tt.field)
			}
			if err != nil {
				return
			}
			if _, err := realtime.ParsePosition(m.Position().String()); err != nil {
				t.Error(err)
			}
		})
	}
}
