package host_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/functions/host"
	"github.com/tidewire/tidewire/realtime/shutdown"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hello is a function that answers hello.
func hello() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
}

func ask(ctx context.Context, h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
	return w
}

func TestOpensOnceForAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := host.New(host.Options{})
		var opened, closed atomic.Int32
		f := h.Function(func(context.Context) (http.Handler, shutdown.Step, error) {
			time.Sleep(2 * time.Second)
			opened.Add(1)
			return hello(), func(context.Context) error { closed.Add(1); return nil }, nil
		})
		h.Function(func(context.Context) (http.Handler, shutdown.Step, error) { panic("nobody asks for it") })
		if opened.Load() != 0 {
			t.Error("a function that nobody asked was opened")
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if w := ask(t.Context(), f); w.Code != 200 || w.Body.String() != "hello" {
					t.Errorf("answered %d %s", w.Code, w.Body)
				}
			})
		}
		all.Wait()
		for range 2 {
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if opened.Load() != 1 || closed.Load() != 1 {
			t.Errorf("opened %d times, closed %d times", opened.Load(), closed.Load())
		}
		if w := ask(t.Context(), f); w.Code != 503 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("after Close: answered %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
	})
}

func TestAFailedOpenIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := host.New(host.Options{RetryMin: time.Second, RetryMax: 5 * time.Second})
		attempts := 0
		f := h.Function(func(context.Context) (http.Handler, shutdown.Step, error) {
			switch attempts++; attempts {
			case 1, 2, 3, 5:
				return nil, nil, errors.New("the store is down")
			case 4:
				panic("a fault of the store")
			}
			return hello(), nil, nil
		})
		for i, wait := range []struct{ header string }{{"1"}, {"2"}, {"4"}, {"5"}, {"5"}} {
			for range 3 { // of which the first one tries
				if w := ask(t.Context(), f); w.Code != 503 || w.Header().Get("Retry-After") != wait.header {
					t.Errorf("failure %d: answered %d, Retry-After %q, want %s", i, w.Code, w.Header().Get("Retry-After"), wait.header)
				}
			}
			if attempts != i+1 {
				t.Errorf("%d attempts after failure %d", attempts, i)
			}
			time.Sleep(time.Duration(wait.header[0]-'0') * time.Second)
		}
		for range 2 {
			if w := ask(t.Context(), f); w.Code != 200 {
				t.Errorf("answered %d: %s", w.Code, w.Body)
			}
		}
		if attempts != 6 {
			t.Errorf("%d attempts, want 6", attempts)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestARequestThatLeavesEndsNoAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := host.New(host.Options{})
		f := h.Function(func(ctx context.Context) (http.Handler, shutdown.Step, error) {
			select {
			case <-time.After(3 * time.Second):
				return hello(), nil, nil
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			}
		})
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if w := ask(impatient, f); w.Code != 503 {
			t.Errorf("who left was answered %d", w.Code)
		}
		start := time.Now()
		if w := ask(t.Context(), f); w.Code != 200 || time.Since(start) != 2*time.Second {
			t.Errorf("who stayed was answered %d after %v", w.Code, time.Since(start))
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAnAttemptHasItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := host.New(host.Options{OpenTimeout: 7 * time.Second})
		f := h.Function(func(ctx context.Context) (http.Handler, shutdown.Step, error) {
			<-ctx.Done()
			return nil, nil, ctx.Err()
		})
		start := time.Now()
		if w := ask(t.Context(), f); w.Code != 503 || time.Since(start) != 7*time.Second {
			t.Errorf("answered %d after %v", w.Code, time.Since(start))
		}
	})
}

func TestCloseWaitsForThoseInside(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		works  time.Duration
		closes bool
	}{
		{"who finish in time", 3 * time.Second, true},
		{"but not for ever", 9 * time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := host.New(host.Options{})
				closed, answered := false, 0
				f := h.Function(func(context.Context) (http.Handler, shutdown.Step, error) {
					work := func(w http.ResponseWriter, _ *http.Request) {
						time.Sleep(c.works)
						if closed {
							t.Error("what a request uses was closed")
						}
						w.WriteHeader(http.StatusNoContent)
					}
					return http.HandlerFunc(work), func(context.Context) error { closed = true; return errors.New("not nicely") }, nil
				})
				var inside sync.WaitGroup
				inside.Go(func() { answered = ask(t.Context(), f).Code })
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				err := h.Close(ctx)
				if c.closes != closed || err == nil || errors.Is(err, context.DeadlineExceeded) == c.closes {
					t.Errorf("closed: %t, error %v", closed, err)
				}
				inside.Wait()
				if answered != http.StatusNoContent {
					t.Errorf("who was inside was answered %d", answered)
				}
			})
		})
	}
}
