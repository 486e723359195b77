package webhook

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/webhook/document"
	"github.com/tidewire/tidewire/realtime/webhook/event"
)

// retryLater is the least time after which a client that was refused because its hook gives no answer comes back.
const retryLater = 5 * time.Second

// ask asks one hook, and returns its answer, or the refusal that the client is shown. check refuses answers that fit the event and not this one;
// it is nil, or called once for an answer that was not remembered.
func (w *Hooks) ask(ctx context.Context, t *realtime.Tenant, h *realtime.Hook, e realtime.HookEvent, what *event.Event, check func(*event.Answer) error) (*event.Answer, error) {
	now := time.Now()
	id := idOf(t.ID, h)
	cached := h.Cache > 0 && (e == realtime.HookConnect || e == realtime.HookSubscribe)
	var key answerKey
	if cached {
		key = keyOf(id, e, what)
		if a := w.cache.get(key, now); a != nil {
			w.count(t, realtime.ReasonCached)
			return w.said(t, a)
		}
	}
	st, end, ok := w.states.begin(id, now)
	if !ok {
		w.count(t, realtime.ReasonBusy)
		return nil, &realtime.Error{Code: realtime.CodeLimited, Limit: "hookCalls", Message: "too many requests wait for the answer of the hook " + h.Name, RetryAfter: later(time.Second)}
	}
	defer end()
	round, ok := st.allow(now)
	if !ok {
		w.count(t, realtime.ReasonOpen)
		return w.without(h, e)
	}
	a, size, err := w.call(ctx, st, h, e, what)
	if err == nil && check != nil && a.Code == "" {
		err = check(a)
	}
	cut := err != nil && ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled)
	st.done(round, err != nil, cut, time.Now())
	w.o.Metrics.Took(realtime.TimingHook, t.ID, time.Since(now))
	if err != nil {
		w.failed(ctx, t, h, e, err)
		return w.without(h, e)
	}
	if cached && size <= maxCachedBytes {
		w.cache.put(key, a, time.Now().Add(min(time.Duration(h.Cache), document.MaxCache)), time.Now())
	}
	return w.said(t, a)
}

// call makes the handshake if it is time to, and the request, within the hook's timeout.
func (w *Hooks) call(ctx context.Context, st *state, h *realtime.Hook, e realtime.HookEvent, what *event.Event) (*event.Answer, int, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(time.Duration(h.Timeout), realtime.DefaultHookTimeout))
	defer cancel()
	err := st.shake(ctx, func() error { return w.handshake(ctx, h) })
	var a *event.Answer
	size := 0
	if err == nil {
		a, size, err = w.post(ctx, h, e, what)
	}
	if err != nil && ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err) // what it was cut in may not say so
	}
	return a, size, err
}

// said is what follows from an answer.
func (w *Hooks) said(t *realtime.Tenant, a *event.Answer) (*event.Answer, error) {
	if refusal := a.Refusal(); refusal != nil {
		w.count(t, realtime.ReasonRefused)
		return nil, refusal
	}
	w.count(t, realtime.ReasonAgreed)
	return a, nil
}

// without is what follows from no answer.
func (w *Hooks) without(h *realtime.Hook, e realtime.HookEvent) (*event.Answer, error) {
	if h.OnFailure == realtime.HookAllow && e != realtime.HookCall {
		return &event.Answer{}, nil
	}
	return nil, &realtime.Error{Code: realtime.CodeUnavailable, Message: "the hook " + h.Name + " gives no answer", RetryAfter: later(retryLater)}
}

// failed logs and counts a call without an answer. What is wrong is for the operator alone: it may tell what is reached from here.
func (w *Hooks) failed(ctx context.Context, t *realtime.Tenant, h *realtime.Hook, e realtime.HookEvent, err error) {
	reason := realtime.ReasonFailed
	if errors.Is(err, context.DeadlineExceeded) {
		reason = realtime.ReasonTimeout
	}
	w.count(t, reason)
	w.o.Logger.WarnContext(ctx, "a hook gives no answer", realtime.KeyTenant, t.ID, "hook", h, realtime.KeyReason, string(e), realtime.KeyError, clip(err))
}

// clip shortens an error that may hold what a hook has written.
func clip(err error) string {
	const most = 500
	text := err.Error()
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

func (w *Hooks) count(t *realtime.Tenant, reason realtime.Reason) {
	w.o.Metrics.Add(realtime.CountHooks, t.ID, reason, 1)
}

// later returns d to 2d, so that clients do not come back together.
func later(d time.Duration) time.Duration {
	return d + rand.N(d) //nolint:gosec // it spreads load and keeps no secret
}
