package flight_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/internal/flight"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errOwn = errors.New("own")

// bare runs a call as it is.
func bare(do func()) error { do(); return nil }

// A call that panics brings what contains it makes of that, to all who wait; the next call is like any other.
func TestPanic(t *testing.T) {
	t.Parallel()
	g := flight.New[string, int64](time.Minute, 1, func(do func()) (err error) {
		defer func() {
			if recover() != nil {
				err = errOwn
			}
		}()
		do()
		return nil
	})
	defer g.Close()
	if _, err := g.Join("a", func(context.Context) (int64, error) { panic("no") }).Wait(t.Context()); !errors.Is(err, errOwn) {
		t.Errorf("got %v", err)
	}
	if n, err := g.Join("a", after(0, &atomic.Int64{})).Wait(t.Context()); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}

// after is a call that takes some time, and counts itself.
func after(d time.Duration, count *atomic.Int64) func(context.Context) (int64, error) {
	return func(ctx context.Context) (int64, error) {
		n := count.Add(1)
		select {
		case <-time.After(d):
			return n, nil
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}

// Who comes while a call is under way waits for that one, also when the one that began it has left; who comes after it begins another.
func TestJoin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := flight.New[string, int64](time.Minute, 0, bare)
		defer g.Close()
		count := &atomic.Int64{}
		first := g.Join("a", after(time.Second, count))
		leaving, leave := context.WithCancelCause(t.Context())
		leave(errOwn)
		if _, err := first.Wait(leaving); !errors.Is(err, errOwn) {
			t.Errorf("who left: %v", err)
		}
		time.Sleep(time.Second / 2)
		if g.Join("a", after(time.Second, count)) != first || g.Underway("a") != first || g.Underway("b") != nil {
			t.Error("not the call that is under way")
		}
		other := g.Join("b", after(time.Second, count))
		if n, err := first.Wait(t.Context()); n != 1 || err != nil || time.Since(first.Begun()) != time.Second {
			t.Errorf("got %d, %v after %v", n, err, time.Since(first.Begun()))
		}
		if n, err := first.Wait(leaving); n != 1 || err != nil {
			t.Errorf("an ended call brings %d, %v to who has no time", n, err)
		}
		synctest.Wait()
		if g.Underway("a") != nil {
			t.Error("still under way")
		}
		next := g.Join("a", after(time.Second, count))
		if n, err := next.Wait(t.Context()); n != 3 || err != nil {
			t.Errorf("the next: %d, %v", n, err)
		}
		if n, err := other.Wait(t.Context()); n != 2 || err != nil {
			t.Errorf("of another key: %d, %v", n, err)
		}
	})
}

// A renewed call is waited for by who comes from now on; the end of the one before does not take it away.
func TestRenew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := flight.New[string, int64](time.Minute, 0, bare)
		defer g.Close()
		count := &atomic.Int64{}
		old := g.Join("a", after(2*time.Second, count))
		synctest.Wait() // or the two may begin the other way round
		time.Sleep(time.Second)
		renewed := g.Renew("a", after(2*time.Second, count))
		if n, err := old.Wait(t.Context()); n != 1 || err != nil {
			t.Errorf("the old one: %d, %v", n, err)
		}
		synctest.Wait()
		if g.Join("a", after(0, count)) != renewed {
			t.Error("the renewed call is not joined")
		}
		if n, err := renewed.Wait(t.Context()); n != 2 || err != nil {
			t.Errorf("the renewed one: %d, %v", n, err)
		}
	})
}

// Calls are bounded in number and in time, and none is left or begun after Close.
func TestBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := flight.New[int, int64](time.Second, 2, bare)
		count := &atomic.Int64{}
		one, two := g.Join(1, after(time.Hour, count)), g.Renew(1, after(time.Hour, count))
		if g.Join(2, after(0, count)) != nil || g.Renew(1, after(0, count)) != nil || g.Join(1, after(0, count)) != two {
			t.Error("a third one, or not the second")
		}
		for _, c := range []*flight.Call[int64]{one, two} {
			if _, err := c.Wait(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(c.Begun()) != time.Second {
				t.Errorf("got %v after %v", err, time.Since(c.Begun()))
			}
		}
		synctest.Wait()
		last := g.Join(2, after(time.Hour, count))
		g.Close()
		if _, err := last.Wait(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("closed: %v", err)
		}
		g.Close()
		if g.Join(1, after(0, count)) != nil || g.Renew(1, after(0, count)) != nil {
			t.Error("begun after Close")
		}
	})
}
