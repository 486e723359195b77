package gateway

import (
	"context"
	"errors"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/contain"
)

// guard calls a hook with a deadline, and makes an error of a panic. The error is
// a *realtime.Error that may be shown to the client.
func guard[T any](g *Gateway, hook string, call func(context.Context) (T, error)) (out T, refused *realtime.Error) {
	ctx, cancel := context.WithTimeout(g.life, g.o.HookTimeout)
	defer cancel()
	var err error
	if refused := contain.Do(g.o.Logger, g.o.Metrics, contain.Hook, func() { out, err = call(ctx) }); refused != nil {
		return out, refused
	}
	if err == nil {
		return out, nil
	}
	if known := (*realtime.Error)(nil); errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil && !errors.As(err, &known) {
		g.o.Logger.WarnContext(ctx, "a hook took too long", realtime.KeyReason, hook, realtime.KeyDuration, g.o.HookTimeout)
		return out, realtime.Errorf(realtime.CodeTimeout, "no answer within %s", g.o.HookTimeout)
	}
	return out, g.shown(ctx, hook, err)
}

// shown returns what a client is told of an error, and logs what it is not told.
func (g *Gateway) shown(ctx context.Context, doing string, err error) *realtime.Error {
	known := (*realtime.Error)(nil)
	if !errors.As(err, &known) {
		known = realtime.Errorf(realtime.CodeInternal, "something went wrong")
	}
	if (known.Code == realtime.CodeInternal || known.Code == realtime.CodeUnavailable) && !auth.IsUnknown(err) {
		g.o.Logger.ErrorContext(ctx, "an internal error was reported to a client", realtime.KeyReason, doing, realtime.KeyError, err)
	}
	if known.Code == realtime.CodeUnavailable && known.RetryAfter == 0 {
		later := *known
		later.RetryAfter = jitter(retryLater)
		return &later
	}
	return known
}
