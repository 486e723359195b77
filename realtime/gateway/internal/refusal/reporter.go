package refusal

import (
	"context"
	"errors"
	"log/slog"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
)

// Reporter makes of an error what a client is told of it, and logs what the client is not told.
type Reporter struct{ Logger *slog.Logger }

// Report returns what a client is told of an error in doing something. Any error that is no *realtime.Error is
// CodeInternal to the client, and CodeUnavailable always says when to come back.
func (r Reporter) Report(ctx context.Context, doing string, err error) *realtime.Error {
	known := (*realtime.Error)(nil)
	if !errors.As(err, &known) {
		known = realtime.Errorf(realtime.CodeInternal, "something went wrong")
	}
	if (known.Code == realtime.CodeInternal || known.Code == realtime.CodeUnavailable) && !auth.IsUnknown(err) {
		r.Logger.ErrorContext(ctx, "an internal error was reported to a client", realtime.KeyReason, doing, realtime.KeyError, err)
	}
	if known.Code == realtime.CodeUnavailable && known.RetryAfter == 0 {
		later := *known
		later.RetryAfter = Jitter(RetryLater)
		return &later
	}
	return known
}
