package cloudrun

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestLimitMemory(t *testing.T) { // not parallel: the limit is the process's
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	for name, test := range map[string]struct {
		limit       memlimit.Provider
		environment string
		want        int64
		says        string
	}{
		"a container of 1 GiB": {limit: memlimit.Limit(1 << 30), want: 912680550, says: `"bytes":912680550`},
		"no limit":             {limit: func() (uint64, error) { return 0, memlimit.ErrNoLimit }, want: math.MaxInt64},
		"no control groups":    {limit: func() (uint64, error) { return 0, memlimit.ErrCgroupsNotSupported }, want: math.MaxInt64},
		"not known":            {limit: func() (uint64, error) { return 0, errors.New("no such file") }, want: math.MaxInt64, says: `GOMEMLIMIT`},
		// What the variable says Go has taken at its start: it is not replaced.
		"set by hand": {limit: memlimit.Limit(1 << 30), environment: "64MiB", want: math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			debug.SetMemoryLimit(math.MaxInt64)
			if test.environment != "" {
				t.Setenv("GOMEMLIMIT", test.environment)
			}
			var out bytes.Buffer
			limitMemory(t.Context(), slog.New(slog.NewJSONHandler(&out, nil)), test.limit)
			if got := debug.SetMemoryLimit(-1); got != test.want {
				t.Errorf("the limit is %d, want %d", got, test.want)
			}
			if (test.says == "") != (out.Len() == 0) || !strings.Contains(out.String(), test.says) {
				t.Errorf("logged %q, want %q", out.String(), test.says)
			}
		})
	}
}
