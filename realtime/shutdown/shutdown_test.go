package shutdown

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// signalled runs main and sends it a SIGTERM after a second.
func signalled(main func(ctx context.Context) error) (took time.Duration, err error) {
	signals := make(chan os.Signal, 1)
	time.AfterFunc(time.Second, func() { signals <- syscall.SIGTERM })
	begun := time.Now()
	err = run(context.Background(), main, func() (<-chan os.Signal, func()) { return signals, func() {} })
	return time.Since(begun) - time.Second, err
}

func hang(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestEndsInTime(t *testing.T) {
	t.Parallel()
	errSome := errors.New("some")
	never := func(release chan struct{}) Step {
		return func(context.Context) error { <-release; return nil }
	}
	tests := []struct {
		name  string
		steps func(release chan struct{}) []Step
		want  error
		took  time.Duration
	}{
		{"nothing to do", func(chan struct{}) []Step { return nil }, nil, 0},
		{"all at once", func(chan struct{}) []Step {
			return []Step{func(context.Context) error { return nil }, func(context.Context) error { return errSome }}
		}, errSome, 0},
		{"the last hangs", func(chan struct{}) []Step { return []Step{func(context.Context) error { return nil }, hang} }, context.DeadlineExceeded, Within},
		{"all hang", func(chan struct{}) []Step { return []Step{hang, hang, hang, hang} }, context.DeadlineExceeded, Within},
		{"all ignore their contexts", func(r chan struct{}) []Step { return []Step{never(r), never(r), never(r)} }, ErrLate, Within + grace},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				took, err := signalled(func(ctx context.Context) error {
					<-ctx.Done()
					ctx, cancel := Begin(ctx)
					defer cancel()
					return End(ctx, tt.steps(release)...)
				})
				close(release)
				if !errors.Is(err, tt.want) || took != tt.took {
					t.Errorf("it took %s and ended with %v, want %s and %v", took, err, tt.took, tt.want)
				}
			})
		})
	}
}

// Every step has its turn, with time left, when those before it hang; and their order is kept.
func TestEachStepHasItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := Begin(t.Context())
		defer cancel()
		var order []time.Duration
		begun := time.Now()
		step := func(ctx context.Context) error {
			order = append(order, time.Since(begun))
			return hang(ctx)
		}
		if err := End(ctx, step, step, step); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if want := []time.Duration{0, Within - 2*Reserve, Within - Reserve}; len(order) != 3 || order[0] != want[0] || order[1] != want[1] || order[2] != want[2] {
			t.Errorf("the steps began after %v, want %v", order, want)
		}
	})
}

// The deadline is counted from the signal, also where it is asked for late and repeatedly.
func TestOneDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		took, _ := signalled(func(ctx context.Context) error {
			<-ctx.Done()
			if why := context.Cause(ctx).Error(); !strings.Contains(why, "terminated") {
				t.Errorf("the cause is %q", why)
			}
			first, cancel := Begin(ctx)
			defer cancel()
			time.Sleep(3 * time.Second)
			inner, stop := context.WithCancel(ctx)
			defer stop()
			later, cancel := Begin(inner)
			defer cancel()
			a, _ := first.Deadline()
			if b, _ := later.Deadline(); !a.Equal(b) {
				t.Errorf("%s and %s", a, b)
			}
			return hang(later)
		})
		if took != Within {
			t.Errorf("it took %s", took)
		}
	})
}

// A main that never returns does not keep the process.
func TestMainThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		took, err := signalled(func(context.Context) error { <-release; return nil })
		close(release)
		if !errors.Is(err, ErrLate) || took != Within+grace || took > 9*time.Second {
			t.Errorf("it took %s and ended with %v", took, err)
		}
	})
}

// One that ends by itself ends at once.
func TestMainThatEnds(t *testing.T) {
	t.Parallel()
	want := errors.New("want")
	if err := Run(t.Context(), func(context.Context) error { return want }); !errors.Is(err, want) {
		t.Error(err)
	}
}

func TestBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := Before(t.Context(), time.Second)
		if _, ok := ctx.Deadline(); ok || ctx.Err() != nil {
			t.Error("it has a deadline of its own")
		}
		cancel()
		outer, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		inner, cancel := Before(outer, time.Second)
		defer cancel()
		begun := time.Now()
		if <-inner.Done(); time.Since(begun) != 2*time.Second || outer.Err() != nil {
			t.Errorf("it ended after %s", time.Since(begun))
		}
	})
}
