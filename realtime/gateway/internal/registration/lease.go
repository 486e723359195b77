package registration

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// renew renews the lease and returns when to do it next.
func (w *Writer) renew(ctx context.Context, sockets int) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	lease := w.lease
	lease.Sockets, lease.Until = sockets, time.Now().Add(leaseFor)
	err := w.ask(func() error { return w.registry.Renew(ctx, lease) })
	if err == nil {
		w.keep(lease.Until)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.failing = time.Time{}
		return leaseEvery
	}
	if w.failing.IsZero() { // one line for an outage
		w.failing = time.Now()
		w.log.WarnContext(ctx, "renewing the lease failed", realtime.KeyError, err)
	}
	return time.Second
}

// keep notes until when the lease was renewed.
func (w *Writer) keep(until time.Time) {
	lapsed := !w.until.IsZero() && w.until.Before(time.Now())
	w.until = until
	w.mu.Lock()
	tell := w.lapsed
	w.mu.Unlock()
	if lapsed && tell != nil {
		tell()
	}
}
