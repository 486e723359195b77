package lifecycle

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// client is a Client that notes how it was closed.
type client struct{ closed *realtime.Error }

func (c *client) Close(err *realtime.Error) { c.closed = err }

// The last request of an instance is held until everything is released, and no longer than that.
func TestHold(t *testing.T) {
	t.Parallel()
	const never = 0
	for name, test := range map[string]struct {
		released time.Duration // when what the client left behind is released; never
		exits    time.Duration // when the client's last hook has returned; never
		comes    time.Duration // when another client comes; never
		drains   time.Duration // never
		want     time.Duration
	}{
		"released":            {released: 2 * time.Second, exits: time.Second, want: 2 * time.Second},
		"a hook takes longer": {released: time.Second, exits: 3 * time.Second, want: 3 * time.Second},
		"too long":            {exits: time.Second, want: lastHold},
		"somebody comes":      {exits: time.Second, comes: 2 * time.Second, want: 2 * time.Second},
		"the gateway drains":  {exits: time.Second, drains: 2 * time.Second, want: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				release := func(ctx context.Context) error {
					var done <-chan time.Time
					if test.released != never {
						done = time.After(time.Until(began.Add(test.released)))
					}
					select {
					case <-done:
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				tr := New(Options{Life: t.Context(), Release: []func(context.Context) error{release}, Logger: slog.New(slog.DiscardHandler)})
				first, second := &client{}, &client{}
				if err := tr.Enter(first); err != nil {
					t.Fatal(err)
				}
				if !tr.RequestEnds() {
					t.Error("the only request is not the last")
				}
				at := func(when time.Duration, do func()) {
					if when != never {
						time.AfterFunc(when, do)
					}
				}
				at(test.exits, func() { tr.Exit(first) })
				at(test.comes, func() { _ = tr.Enter(second) })
				at(test.drains, func() { tr.Drain() })
				tr.Hold()
				if got := time.Since(began); got != test.want {
					t.Errorf("it was held for %v, want %v", got, test.want)
				}
			})
		})
	}
}

// A Tracker that drains takes nobody in, and knows when the last has gone.
func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := New(Options{Life: t.Context(), Logger: slog.New(slog.DiscardHandler)})
		c := &client{}
		if err := tr.Enter(c); err != nil {
			t.Fatal(err)
		}
		if !tr.Drain() || tr.Drain() {
			t.Error("not the first call alone is the first")
		}
		if realtime.CodeOf(tr.Ready()) != realtime.CodeDraining || realtime.CodeOf(tr.Enter(&client{})) != realtime.CodeDraining {
			t.Error("somebody may enter")
		}
		if tr.RequestEnds() {
			t.Error("a request is to be held while the gateway drains")
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tr.Gone(short); err == nil || len(tr.Clients()) != 1 {
			t.Errorf("with %d clients left: %v", len(tr.Clients()), err)
		}
		tr.Exit(c)
		if err := tr.Gone(short); err != nil {
			t.Errorf("nobody is left: %v", err)
		}
	})
}
