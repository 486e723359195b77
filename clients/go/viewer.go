package tidewire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/rows"
	"github.com/tidewire/tidewire/realtime"
)

// viewer keeps what a view shows as its Subscription says.
type viewer struct {
	s       *Subscription
	most    int
	show    showing
	stop    context.CancelFunc
	running sync.WaitGroup
	ready   chan struct{} // closed when it is true for the first time
	changed chan struct{} // holds one, when changes has become more than nothing

	mu  sync.Mutex // guards what follows, and what is shown
	err error
}

// showing is what is shown.
type showing interface {
	// apply changes it as an update says, and reports whether it is true now.
	apply(u *Update, now time.Time) (ready bool)
	// sweep removes what has expired.
	sweep(now time.Time)
	// coming is how many keys there are, or are to be when the snapshots that are under way are complete.
	coming() int
	hasChanged() bool
}

func (v *viewer) begin(s *Subscription, most int, show showing) {
	if most <= 0 {
		most = DefaultViewKeys
	}
	ctx, stop := context.WithCancel(context.Background())
	v.s, v.most, v.show, v.stop, v.ready, v.changed = s, most, show, stop, make(chan struct{}), make(chan struct{}, 1)
	v.running.Go(func() { v.run(ctx) })
	v.running.Go(func() { v.watch(ctx) })
}

// Ready is closed when the view is true for the first time.
func (v *viewer) Ready() <-chan struct{} { return v.ready }

// Err says why the view has ended; nil: it has not. What it holds then is what was true last.
func (v *viewer) Err() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

// Tune changes what the view holds, and returns what is applied when the server has sent it.
func (v *viewer) Tune(ctx context.Context, t Tuning) (Tuned, error) { return v.s.Tune(ctx, t) }

// Close stops reading, and returns when nothing of the view runs.
func (v *viewer) Close() {
	v.stop()
	v.s.Close()
	v.running.Wait()
}

// wait waits until take, which is called with the lock held, has taken something. The error is the end of ctx or of the view.
func (v *viewer) wait(ctx context.Context, take func() bool) error {
	for {
		v.mu.Lock()
		taken, err := take(), v.err
		v.mu.Unlock()
		if taken {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-v.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// sweepEvery is how often entries are looked through that expire. The server tells of each, unless it cannot be reached.
const sweepEvery = time.Second

// run applies what comes.
func (v *viewer) run(ctx context.Context) {
	for {
		u, err := v.s.Next(ctx)
		if err == nil {
			err = v.take(&u, time.Now())
		}
		if err != nil {
			v.end(err)
			return
		}
	}
}

// watch sweeps, until ctx ends.
func (v *viewer) watch(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			v.mu.Lock()
			v.show.sweep(time.Now())
			v.tell()
			v.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

func (v *viewer) end(err error) {
	if errors.Is(err, context.Canceled) { // by Close
		err = ErrClosed
	}
	v.mu.Lock()
	v.err = err
	v.mu.Unlock()
	v.wake()
}

func (v *viewer) wake() {
	select {
	case v.changed <- struct{}{}:
	default:
	}
}

// take takes an update.
func (v *viewer) take(u *Update, now time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if u.Kind == KindGap || u.Kind == KindDropped { // a server with state says neither; without, there is nothing to begin from but anew
		v.s.restart()
	}
	ready := v.show.apply(u, now)
	if v.show.coming() > v.most {
		return &realtime.Error{Code: realtime.CodeTooLarge, Message: fmt.Sprintf("the view may hold %d keys", v.most), Err: ErrViewFull}
	}
	if v.tell(); ready {
		v.isReady()
	}
	return nil
}

func (v *viewer) isReady() {
	select {
	case <-v.ready:
	default:
		close(v.ready)
	}
}

// tell wakes who waits for changes, if there are any.
func (v *viewer) tell() {
	if v.show.hasChanged() {
		v.wake()
	}
}

// show changes the rows of a channel as an update about it says.
func show(r *rows.Rows[*Message], u *Update, now time.Time) {
	switch u.Kind {
	case KindLive:
		if r.Resume(); !u.Resumed {
			r.Begin()
		}
	case KindSnapshot:
		if u.Reset {
			r.Begin()
		}
		r.Snapshot(u.Entries, u.More, now)
	case KindMessage:
		r.Apply(u.Message, now)
	}
}
