package realtime_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// TestLimitsAreDocumented keeps the tables of docs/limits.md true: every field, and its default.
func TestLimitsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if name := strings.TrimSpace(cells[0]); strings.HasPrefix(name, "`") {
			if name = strings.Trim(name, "`"); documented[name] == "" { // later tables are about the same words
				documented[name] = strings.TrimSpace(cells[len(cells)-1])
			}
		}
	}
	for prefix, defaults := range map[string]any{
		"limits": realtime.DefaultLimits(), "": realtime.DefaultNamespace(), "state.": realtime.DefaultState(), "presence.": realtime.DefaultPresence(), "rate.": realtime.Rate{}, "history.": realtime.DefaultHistory(),
	} {
		v := reflect.ValueOf(defaults)
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			name = strings.TrimPrefix(prefix, "limits") + name
			want := shown(v.Field(i))
			if got, ok := documented[name]; !ok || got != want {
				t.Errorf("%s: documented as %q, is %q", name, got, want)
			}
		}
	}
}

// shown is how the tables write a default.
func shown(v reflect.Value) string {
	if d, ok := v.Interface().(realtime.Duration); ok {
		return time.Duration(d).String()
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return shown(v.Elem())
		}
		return "none"
	case reflect.Slice, reflect.String:
		if v.Len() == 0 {
			return "none"
		}
	}
	return fmt.Sprint(v.Interface())
}
