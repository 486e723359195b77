package environment_test

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime/environment"
)

func reader(pairs ...string) *environment.Reader {
	vars := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		vars[pairs[i]] = pairs[i+1]
	}
	return environment.New(func(name string) (string, bool) {
		s, ok := vars[name]
		return s, ok
	})
}

func TestReader(t *testing.T) {
	t.Parallel()
	e := reader("A", "text", "N", "7", "D", "90s", "S", "true", "L", "warn", "EMPTY", "", "R", "europe-west1")
	region := regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+$`)
	for _, got := range []struct{ got, want any }{
		{e.Text("A", "other"), "text"},
		{e.Text("B", "other"), "other"},
		{e.Text("EMPTY", "other"), "other"},
		{e.Needed("A", "a text"), "text"},
		{e.Number("N", 1, 0, 10), 7},
		{e.Number("M", 1, 0, 10), 1},
		{e.Duration("D", "1s", time.Second, time.Hour), 90 * time.Second},
		{e.Duration("E", "58m", time.Second, time.Hour), 58 * time.Minute},
		{e.Switch("S"), true},
		{e.Switch("T"), false},
		{e.Level("L"), slog.LevelWarn},
		{e.Level("M"), slog.LevelInfo},
		{e.Form("R", region, "a region"), "europe-west1"},
		{e.Form("Q", region, "a region"), ""},
	} {
		if got.got != got.want {
			t.Errorf("got %v, want %v", got.got, got.want)
		}
	}
	if err := e.Err(); err != nil {
		t.Error(err)
	}
	want := []environment.Variable{{Name: "A", Default: "other"}, {Name: "B", Default: "other"}, {Name: "EMPTY", Default: "other"}}
	if diff := cmp.Diff(want, e.Variables()[:3]); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

// Every fault is told, each with its variable and what would be right.
func TestFaults(t *testing.T) {
	t.Parallel()
	e := reader("N", "seven", "M", "11", "D", "90", "E", "2h", "S", "yes", "L", "loud", "R", "Europe")
	e.Needed("A", "a text")
	e.Number("N", 1, 0, 10)
	e.Number("M", 1, 0, 10)
	e.Duration("D", "1s", time.Second, time.Hour)
	e.Duration("E", "1s", time.Second, time.Hour)
	e.Switch("S")
	e.Level("L")
	e.Form("R", regexp.MustCompile(`^[a-z]+$`), "a region")
	e.Fault("F", "is %d too many", 1)
	want := []string{
		"A: is not set; must be a text",
		`N: must be a number from 0 to 10, got "seven"`,
		`M: must be a number from 0 to 10, got "11"`,
		`D: must be a duration from 1s to 1h0m0s, such as 90s or 58m, got "90"`,
		`E: must be a duration from 1s to 1h0m0s, such as 90s or 58m, got "2h"`,
		`S: must be true or false, got "yes"`,
		`L: must be debug, info, warn or error, got "loud"`,
		`R: must be a region, got "Europe"`,
		"F: is 1 too many",
	}
	if diff := cmp.Diff(want, strings.Split(e.Err().Error(), "\n")); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
