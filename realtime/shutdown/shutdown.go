package shutdown

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	// Within is how long a process may take to end, from the signal on. Cloud Run grants ten seconds.
	Within = 8500 * time.Millisecond
	// Reserve is what each step of End leaves for each one that comes after it.
	Reserve = 500 * time.Millisecond
	// grace is how long a step may run on after its context has ended, and main after Within, before it is left behind.
	grace = 250 * time.Millisecond
)

// ErrLate says that something did not end within its time and was left behind.
var ErrLate = errors.New("it did not end in time")

// asked is why a context of Run has ended.
type asked struct {
	signal os.Signal
	at     time.Time
}

func (a *asked) Error() string { return "the process was asked to end: " + a.signal.String() }

// Run calls main with a context that ends at the first interrupt or SIGTERM. It returns main's error, or one that
// wraps ErrLate if main has not returned Within and a little more after the signal; the caller then ends
// the process. A second signal ends the process at once, as if there were no Run.
func Run(ctx context.Context, main func(context.Context) error) error {
	return run(ctx, main, notify)
}

// notify makes signals come, and stop returns to what they do by themselves.
func notify() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}

func run(ctx context.Context, main func(context.Context) error, notify func() (<-chan os.Signal, func())) error {
	signals, stop := notify()
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() { ended <- main(ctx) }()
	select {
	case err := <-ended:
		return err
	case s := <-signals:
		cancel(&asked{s, time.Now()})
		stop()
	}
	late := time.NewTimer(Within + grace)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return fmt.Errorf("shutdown: %w: %s after the signal", ErrLate, Within+grace)
	}
}

// Begin returns the context for all that is done at the end of a process, when ctx has ended: its deadline is Within
// after the signal that ended ctx, whenever Begin is called, or after now if it ended for another reason. Values are those of ctx.
func Begin(ctx context.Context) (context.Context, context.CancelFunc) {
	began := time.Now()
	if why := (*asked)(nil); errors.As(context.Cause(ctx), &why) {
		began = why.at
	}
	return context.WithDeadline(context.WithoutCancel(ctx), began.Add(Within))
}

// Step ends one part of a process. It returns soon after ctx has ended.
type Step func(ctx context.Context) error

// End calls steps one after the other and joins their errors. What must be done first comes first, what may be cut short
// last. ctx has a deadline: each step has until Reserve before it for every step that follows. A step that has not
// returned by then, and a little more, is left behind with ErrLate, and the next one begins.
func End(ctx context.Context, steps ...Step) error {
	var faults []error
	for i, step := range steps {
		faults = append(faults, end(ctx, step, len(steps)-i-1))
	}
	return errors.Join(faults...)
}

func end(ctx context.Context, step Step, after int) error {
	ctx, cancel := Before(ctx, time.Duration(after)*Reserve)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- step(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return fmt.Errorf("shutdown: %w", ErrLate)
	}
}

// Before returns a context that ends d before ctx does, so that there is time left to act on it, or half of what is
// left if that is shorter. Without a deadline it ends with ctx.
func Before(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(d, time.Until(deadline)/2)))
}
