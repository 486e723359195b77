package occupancy

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// backoff is the time before the next attempt when some have failed.
func backoff(attempts int) time.Duration {
	d := retryMax
	if attempts < 8 {
		d = min(retryMin<<(attempts-1), retryMax)
	}
	return d/2 + rand.N(d/2+1) //nolint:gosec // it spreads load and keeps no secret
}

// turn starts the attempts that are due, as far as there is room: the end of one makes some. t.mu is held. While nothing is due, nothing runs.
func (t *Teller) turn() {
	for t.running < atOnce && t.due.Len() > 0 && t.ctx.Err() == nil {
		at, e := t.due.First()
		if wait := time.Until(at); wait > 0 {
			t.later(wait)
			return
		}
		t.due.Remove(e)
		t.hand(e, false)
		e.busy, e.asked = true, true
		t.running++
		a := attempt{Teller: t, entry: e, occupied: e.until.IsZero(), until: e.until, lapses: t.lapses, again: e.attempts > 0}
		t.calls.Go(a.run)
	}
}

// later turns again after a while. t.mu is held.
func (t *Teller) later(wait time.Duration) {
	if t.timer != nil {
		t.timer.Reset(wait)
		return
	}
	t.timer = time.AfterFunc(wait, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.turn()
	})
}

// attempt is one of telling the store what is the case of a channel.
type attempt struct {
	*Teller
	entry    *entry
	occupied bool
	until    time.Time
	lapses   int
	again    bool // the one before has failed
}

func (a attempt) run() {
	ctx, cancel := context.WithTimeout(a.ctx, callTime)
	defer cancel()
	var err error
	if bad := contain.Do(a.o.Logger, a.o.Metrics, contain.Sweep, func() { err = a.tell(ctx) }); bad != nil {
		err = bad
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.entry
	e.busy = false
	a.running--
	switch {
	case err != nil:
		e.attempts++
		e.said = false
		if a.ctx.Err() == nil {
			a.o.Metrics.Add(realtime.CountChannelEvents, e.c.Tenant(), realtime.ReasonFailed, 1)
			a.complain("it could not be told that a channel is occupied or vacated; it is tried again", e.c, err)
		}
		a.plan(e)
	case !a.occupied && e.until.Equal(a.until) && a.until.After(time.Now()):
		e.attempts = 0
		a.hand(e, true)
		a.plan(e)
	case !a.occupied && !e.until.IsZero():
		a.forget(e)
	default:
		e.attempts, e.said = 0, a.occupied && a.lapses == a.Teller.lapses
		a.plan(e)
	}
	a.turn()
	a.rest()
}

// tell tells the store, and then all what of the channel is untold.
func (a attempt) tell(ctx context.Context) error {
	c, store := a.entry.c, a.o.Store
	if a.again { // so many events may be untold that nothing else can become of it
		events, err := store.Settle(ctx, c, time.Now())
		if err == nil {
			err = a.publish(ctx, events)
		}
		if err != nil {
			return err
		}
	}
	var events []realtime.ChannelEvent
	var err error
	if a.occupied {
		events, err = store.Occupy(ctx, c, a.o.Instance)
	} else {
		events, err = store.Vacate(ctx, c, a.o.Instance, a.until)
	}
	if err != nil {
		return err
	}
	return a.publish(ctx, events)
}

func (a attempt) publish(ctx context.Context, events []realtime.ChannelEvent) error {
	if len(events) == 0 {
		return nil
	}
	if err := a.o.Events.Tell(ctx, events); err != nil {
		return err
	}
	for i := range events {
		reason := realtime.ReasonVacated
		if events[i].Occupied {
			reason = realtime.ReasonOccupied
		}
		a.o.Metrics.Add(realtime.CountChannelEvents, events[i].Channel.Tenant(), reason, 1)
	}
	return a.o.Store.Told(ctx, &events[len(events)-1])
}
