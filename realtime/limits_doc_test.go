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
	for _, defaults := range []any{realtime.DefaultLimits(), realtime.DefaultNamespace()} {
		v := reflect.ValueOf(defaults)
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			want := fmt.Sprint(v.Field(i).Interface())
			if d, ok := v.Field(i).Interface().(realtime.Duration); ok {
				want = time.Duration(d).String()
			}
			if got, ok := documented[name]; !ok || got != want {
				t.Errorf("%s: documented as %q, is %q", name, got, want)
			}
		}
	}
}
