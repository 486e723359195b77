package limit_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/limit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func document(l realtime.Limits) *realtime.Tenant { return &realtime.Tenant{ID: "acme", Limits: l} }

func connect(t testing.TB, l *limit.Limiter, doc *realtime.Tenant, user string) *limit.Connection {
	t.Helper()
	c, err := l.Connect(doc, user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// letThrough repeats what may be refused until it is, and returns how often it was not.
func letThrough(do func() error) (int, *realtime.Error) {
	for n := range 1_000_000 {
		if err := do(); err != nil {
			var refusal *realtime.Error
			errors.As(err, &refusal)
			return n, refusal
		}
	}
	return -1, nil
}

// orNil makes an error of what a meter returns.
func orNil(e *realtime.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// What has come already cannot be refused: its client is held up, then closed, and others are not closed for it.
func TestInput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(limit.Options{})
		doc := document(realtime.Limits{FramesPerSecond: 10, UserShare: 1, TenantShare: 1, ConnectionsPerUser: 3})
		c, other := connect(t, l, doc, "ann"), connect(t, l, doc, "ann")
		if hold, err := c.Input(20, 100, 0); hold != 0 || err != nil {
			t.Errorf("two seconds' worth at once: %s, %v", hold, err)
		}
		if hold, err := other.Input(1, 6, 0); hold == 0 || hold > time.Second || err != nil {
			t.Errorf("another of its user is held up for %s, %v", hold, err)
		}
		if hold, err := c.Input(5, 100, 0); hold != 500*time.Millisecond && hold != time.Second || err != nil {
			t.Errorf("half a second too much: %s, %v", hold, err)
		}
		time.Sleep(time.Second)
		if _, err := c.Input(8, 100, 2900*time.Millisecond); err == nil || err.Limit != "framesPerSecond" || err.RetryAfter == 0 {
			t.Errorf("too much for three seconds in a row: %v", err)
		}
		time.Sleep(time.Minute)
		if hold, err := c.Input(1, 6, 0); hold != 0 || err != nil {
			t.Errorf("after a minute: %s, %v", hold, err)
		}
		if _, err := c.Input(70, 600, 0); err == nil || err.Limit != "framesPerSecond" {
			t.Errorf("seven seconds' worth at once: %v", err)
		}
		for range 100 {
			if _, err := other.Input(1, 6, time.Minute); err != nil {
				t.Fatalf("another is closed for it: %v", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if _, err := other.Input(1, 1<<30, 0); err == nil || err.Limit != "bytesPerSecond" {
			t.Errorf("a gigabyte: %v", err)
		}
	})
}

func TestRates(t *testing.T) {
	t.Parallel()
	limits := realtime.Limits{
		Connections: 100, ConnectionsPerUser: 3, ConnectsPerSecond: 100,
		FramesPerSecond: 10, BytesPerSecond: 1000, SubscribesPerSecond: 5, PublishesPerSecond: 20, RequestsPerSecond: 2,
		UserShare: 2, TenantShare: 3,
	}
	frame := func(n int) func(*limit.Limiter, *realtime.Tenant, *limit.Connection) error {
		return func(_ *limit.Limiter, _ *realtime.Tenant, c *limit.Connection) error { return orNil(c.Frame(n)) }
	}
	subscribe := func(_ *limit.Limiter, _ *realtime.Tenant, c *limit.Connection) error { return orNil(c.Subscribe()) }
	publish := func(_ *limit.Limiter, _ *realtime.Tenant, c *limit.Connection) error { return orNil(c.Publish()) }
	batch := func(l *limit.Limiter, doc *realtime.Tenant, _ *limit.Connection) error {
		return l.Publish(doc, "ann", 10)
	}
	request := func(l *limit.Limiter, doc *realtime.Tenant, _ *limit.Connection) error {
		return l.Request(doc, "ann")
	}
	for _, c := range []struct {
		name string
		do   func(*limit.Limiter, *realtime.Tenant, *limit.Connection) error
		// How often it is let through on one connection, then on another one of the same
		// user, then by other users.
		want    []int
		limit   string
		after   time.Duration
		message string
	}{
		{"requests", request, []int{4, 0, 0, 0}, "requestsPerSecond", 500 * time.Millisecond,
			"limits.requestsPerSecond: the user, by all its connections, is over 2 per second; retry in 500ms"},
		{"frames", frame(0), []int{20, 20, 20, 0}, "framesPerSecond", 100 * time.Millisecond,
			"limits.framesPerSecond: the connection is over 10 per second; retry in 100ms"},
		{"bytes", frame(500), []int{4, 4, 4, 0}, "bytesPerSecond", 500 * time.Millisecond,
			"limits.bytesPerSecond: the connection is over 1000 per second; retry in 500ms"},
		{"subscribes", subscribe, []int{10, 10, 10, 0}, "subscribesPerSecond", 200 * time.Millisecond,
			"limits.subscribesPerSecond: the connection is over 5 per second; retry in 200ms"},
		{"publishes", publish, []int{40, 0, 40, 40}, "publishesPerSecond", 50 * time.Millisecond,
			"limits.publishesPerSecond: the user, by all its connections, is over 20 per second; retry in 50ms"},
		{"batches over HTTP", batch, []int{4, 0, 0, 0}, "publishesPerSecond", 500 * time.Millisecond,
			"limits.publishesPerSecond: the user, by all its connections, is over 20 per second; retry in 500ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				refusals := &refusals{}
				l, doc := limit.New(limit.Options{Metrics: refusals}), document(limits)
				var got []int
				var first *realtime.Error
				for _, user := range []string{"ann", "ann", "bob", "cid"} {
					meter := connect(t, l, doc, user)
					n, refusal := letThrough(func() error { return c.do(l, doc, meter) })
					got = append(got, n)
					if first != nil {
						continue
					}
					first = refusal
					time.Sleep(c.after - time.Millisecond)
					if err := c.do(l, doc, meter); err == nil {
						t.Errorf("it is let through before the time it was told")
					}
					time.Sleep(time.Millisecond)
					if err := c.do(l, doc, meter); err != nil {
						t.Errorf("it is refused after the time it was told: %v", err)
					}
					time.Sleep(time.Minute) // everything is full again
					letThrough(func() error { return c.do(l, doc, meter) })
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				want := &realtime.Error{Code: realtime.CodeLimited, Limit: c.limit, RetryAfter: c.after, Message: c.message}
				if diff := cmp.Diff(want, first); diff != "" {
					t.Error(diff)
				}
				if refusals.of(c.limit) == 0 {
					t.Error("no refusal was counted")
				}
			})
		})
	}
}

func TestRefusedTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, doc := limit.New(limit.Options{}), document(realtime.Limits{FramesPerSecond: 10, BytesPerSecond: 1000, UserShare: 1})
		first, second := connect(t, l, doc, "ann"), connect(t, l, doc, "ann")
		if n, _ := letThrough(func() error { return orNil(first.Frame(1000)) }); n != 2 {
			t.Fatalf("%d frames of 1000 bytes were let through, want 2", n)
		}
		// The user's bytes are used up: the second connection's frames are refused for
		// that, and none of them may cost it, or the user, a frame.
		if n, e := letThrough(func() error { return orNil(second.Frame(1000)) }); n != 0 || e.Limit != "bytesPerSecond" {
			t.Fatalf("%d frames were let through, then %v; want bytesPerSecond at once", n, e)
		}
		if n, e := letThrough(func() error { return orNil(second.Frame(0)) }); n != 18 || e.Limit != "framesPerSecond" {
			t.Errorf("%d frames were let through, then %v; want 18 and framesPerSecond", n, e)
		}
	})
}

func TestBatchLargerThanTheBucket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, doc := limit.New(limit.Options{}), document(realtime.Limits{PublishesPerSecond: 10})
		if err := l.Publish(doc, "ann", 100); err != nil {
			t.Fatalf("a batch of 100 is refused though the bucket is full: %v", err)
		}
		err := l.Publish(doc, "ann", 100)
		var refusal *realtime.Error
		if !errors.As(err, &refusal) || refusal.RetryAfter != 10*time.Second {
			t.Fatalf("got %v, want to come back in 10s", err)
		}
		time.Sleep(8 * time.Second)
		if err := l.Publish(doc, "ann", 1); err == nil {
			t.Error("an event is let through before the debt is paid")
		}
		time.Sleep(2 * time.Second)
		if err := l.Publish(doc, "ann", 100); err != nil {
			t.Errorf("a batch of 100 is refused after the time it was told: %v", err)
		}
	})
}

func TestChangedDocument(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(limit.Options{})
		c := connect(t, l, document(realtime.Limits{FramesPerSecond: 10}), "ann")
		for _, rate := range []int{10, 100, 1} {
			connect(t, l, document(realtime.Limits{FramesPerSecond: rate}), "bob").Close()
			time.Sleep(time.Minute)
			if n, _ := letThrough(func() error { return orNil(c.Frame(0)) }); n != 2*rate {
				t.Errorf("%d frames were let through, want %d", n, 2*rate)
			}
		}
	})
}

func TestSeats(t *testing.T) {
	t.Parallel()
	l := limit.New(limit.Options{})
	doc := document(realtime.Limits{Connections: 3, ConnectionsPerUser: 2})
	var open []*limit.Connection
	for _, step := range []struct {
		user  string
		limit string
	}{
		{"ann", ""}, {"ann", ""}, {"ann", "connectionsPerUser"}, {"bob", ""}, {"bob", "connections"},
	} {
		c, err := l.Connect(doc, step.user)
		if err == nil {
			open = append(open, c)
		}
		var refusal *realtime.Error
		if errors.As(err, &refusal); (refusal == nil) != (step.limit == "") || refusal != nil && (refusal.Limit != step.limit || refusal.RetryAfter == 0) {
			t.Fatalf("connect of %s: got %v, want %q", step.user, err, step.limit)
		}
	}
	open[0].Close()
	open[0].Close() // gives back one seat, not two
	if _, err := l.Connect(doc, "ann"); err != nil {
		t.Errorf("a seat that was given back is not free: %v", err)
	}
	if _, err := l.Connect(doc, "cid"); err == nil {
		t.Error("closing twice gave back two seats")
	}
}

func TestConnects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(limit.Options{})
		doc := document(realtime.Limits{Connections: 1000, ConnectionsPerUser: 4, ConnectsPerSecond: 10, UserShare: 1, TenantShare: 10})
		come := func(user string) error {
			c, err := l.Connect(doc, user)
			if err == nil {
				c.Close()
			}
			return err
		}
		if n, _ := letThrough(func() error { return come("ann") }); n != 4 {
			t.Errorf("one user connected %d times at once, want as often as it may be open", n)
		}
		i := 0
		n, first := letThrough(func() error { i++; return come(fmt.Sprint("user", i)) })
		if n != 16 {
			t.Errorf("%d others connected at once, want 16", n)
		}
		// A storm: each is sent to the end of the queue, and comes in when it was told to.
		var wait []time.Duration
		for range 3 {
			var refusal *realtime.Error
			if errors.As(come("late"), &refusal) {
				wait = append(wait, refusal.RetryAfter)
			}
		}
		want := []time.Duration{200 * time.Millisecond, 300 * time.Millisecond, 400 * time.Millisecond}
		if diff := cmp.Diff(want, wait); diff != "" || first.RetryAfter != 100*time.Millisecond {
			t.Errorf("the first is told %s, the others: %s", first.RetryAfter, diff)
		}
		for range 10_000 {
			_ = come("storm")
		}
		var refusal *realtime.Error
		if errors.As(come("storm"), &refusal); refusal.RetryAfter != time.Minute {
			t.Errorf("the last of a storm is told %s, want no more than a minute", refusal.RetryAfter)
		}
	})
}

func TestConcurrentUseLetsNoMoreThrough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, doc := limit.New(limit.Options{}), document(realtime.Limits{FramesPerSecond: 100, UserShare: 1})
		var through atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			c := connect(t, l, doc, "ann")
			all.Go(func() {
				for range 100 {
					if c.Frame(0) == nil {
						through.Add(1)
					}
				}
			})
		}
		all.Wait()
		// A frame that is refused by the user's bucket gives back what it took
		// from its connection's, so none is lost and none is gained.
		if n := through.Load(); n != 200 {
			t.Errorf("%d frames were let through, want 200", n)
		}
	})
}

// refusals counts what was refused, by limit.
type refusals struct {
	realtime.NoMetrics
	mu    sync.Mutex
	count map[string]int
}

func (r *refusals) Add(c realtime.Counter, _ string, reason realtime.Reason, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count = map[string]int{}
	}
	if c == realtime.CountRefusals {
		r.count[string(reason)] += n
	}
}

func (r *refusals) of(reason string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[reason]
}
