package realtime

import (
	"testing"
	"time"
)

type keeps struct {
	Broker
	kept time.Duration
}

func (k keeps) Retention() time.Duration { return k.kept }

func TestRetentionOf(t *testing.T) {
	t.Parallel()
	for want, b := range map[time.Duration]Broker{
		DefaultRetention: struct{ Broker }{},
		time.Hour:        keeps{kept: time.Hour},
	} {
		if got := RetentionOf(b); got != want {
			t.Errorf("%T: %v, want %v", b, got, want)
		}
	}
}

// The record of a channel may be as long as a topic of the backend keeps messages.
func TestCheckFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		window, kept time.Duration
		says         string
	}{
		{10 * time.Minute, DefaultRetention, ""},
		{10*time.Minute + 1, DefaultRetention, "namespaces.prices.windowFor: must be at most 10m, because a topic keeps no more"},
		{10*time.Minute + 1, 90 * time.Minute, ""},
		{2 * time.Hour, 90 * time.Minute, "namespaces.prices.windowFor: must be at most 1h30m, because a topic keeps no more"},
		{2 * time.Minute, time.Minute + time.Second, "namespaces.prices.windowFor: must be at most 1m1s, because a topic keeps no more"},
		{2 * time.Hour, time.Hour, "namespaces.prices.windowFor: must be at most 1h, because a topic keeps no more"},
	} {
		doc := &Tenant{ID: "acme", Namespaces: map[string]Namespace{"prices": {WindowFor: Duration(tt.window)}}}
		said := ""
		if err := doc.CheckFor(tt.kept); err != nil {
			said = err.Error()
		}
		if said != tt.says {
			t.Errorf("%v of %v: %q, want %q", tt.window, tt.kept, said, tt.says)
		}
	}
}
