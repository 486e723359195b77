package refusal

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// What a client is told of an error, and whether the log has the rest.
func TestReport(t *testing.T) {
	t.Parallel()
	forbidden := realtime.Errorf(realtime.CodeForbidden, "no grant")
	later := &realtime.Error{Code: realtime.CodeUnavailable, Message: "down", RetryAfter: time.Minute}
	for name, test := range map[string]struct {
		err     error
		code    realtime.Code
		message string
		retry   time.Duration // at least
		logged  bool
	}{
		"one for clients":     {forbidden, realtime.CodeForbidden, "no grant", 0, false},
		"one that is wrapped": {fmt.Errorf("asking: %w", forbidden), realtime.CodeForbidden, "no grant", 0, false},
		"any other":           {errors.New("secret: 1234"), realtime.CodeInternal, "something went wrong", 0, true},
		"with a time":         {later, realtime.CodeUnavailable, "down", time.Minute, true},
		"without a time":      {realtime.Errorf(realtime.CodeUnavailable, "down"), realtime.CodeUnavailable, "down", RetryLater, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			got := Reporter{Logger: slog.New(slog.NewTextHandler(&log, nil))}.Report(t.Context(), "testing", test.err)
			if got.Code != test.code || got.Message != test.message || got.RetryAfter < test.retry || got.RetryAfter > 2*test.retry {
				t.Errorf("the client is told %+v", got)
			}
			if (log.Len() > 0) != test.logged {
				t.Errorf("the log has %q", &log)
			}
		})
	}
	if later.RetryAfter != time.Minute {
		t.Error("the error was changed")
	}
}
