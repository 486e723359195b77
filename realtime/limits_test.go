package realtime_test

import (
	"reflect"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// TestLimitsWithDefaults is against a field that is forgotten: all have a default, and all that are set stay.
func TestLimitsWithDefaults(t *testing.T) {
	t.Parallel()
	var set realtime.Limits
	v := reflect.ValueOf(&set).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(int64(i + 1))
	}
	if got := set.WithDefaults(); got != set {
		t.Errorf("what is set is changed: %+v", got)
	}
	if got := (realtime.Limits{}).WithDefaults(); got != realtime.DefaultLimits() {
		t.Errorf("got %+v, want the defaults", got)
	}
	d := reflect.ValueOf(realtime.DefaultLimits())
	for i := range d.NumField() {
		if d.Field(i).Int() <= 0 {
			t.Errorf("%s has no default", d.Type().Field(i).Name)
		}
	}
}

// TestWeight is against a weight that nobody can have: it is refused, and said what it must be.
func TestWeight(t *testing.T) {
	t.Parallel()
	for weight, ok := range map[int]bool{-1: false, 0: true, 1: true, realtime.MaxWeight: true, realtime.MaxWeight + 1: false} {
		err := (&realtime.Tenant{ID: "acme", Limits: realtime.Limits{Weight: weight}}).Check()
		if (err == nil) != ok {
			t.Errorf("weight %d: %v", weight, err)
		}
	}
}
