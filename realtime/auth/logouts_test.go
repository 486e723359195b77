package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// registrar is a store of logouts that takes its time.
type registrar struct {
	mu     sync.Mutex // guards what follows
	takes  time.Duration
	err    error
	panics bool
	before map[string]time.Time // by tenant/user
	asked  int
}

func (r *registrar) Revoke(_ context.Context, tenant, user string, before, _ time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before[tenant+"/"+user] = before
	return nil
}

func (r *registrar) RevokedBefore(ctx context.Context, tenant, user string) (time.Time, error) {
	r.mu.Lock()
	r.asked++
	if r.panics {
		defer r.mu.Unlock()
		panic("a fault of the store")
	}
	before, err, timer := r.before[tenant+"/"+user], r.err, time.NewTimer(r.takes)
	r.mu.Unlock()
	select {
	case <-timer.C:
		return before, err
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

func (r *registrar) set(takes time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.takes, r.err = takes, err
}

func (r *registrar) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// issued is a good token of ann that was made that long from now.
func issued(user string, ago time.Duration) string {
	return byAcme(plain, saying(fmt.Sprintf(`"sub":%q,"exp":4102444800,"iat":%.3f`, user, float64(time.Now().Add(-ago).UnixMilli())/1000)))
}

func TestVerifyLogout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &registrar{before: map[string]time.Time{}}
		v, w := newVerifier(t, twoTenants(), Options{Revocations: store})
		old, bob := issued("ann", time.Minute), issued("bob", time.Minute)
		silent := byAcme(plain, saying(`"exp":4102444800`))
		for _, token := range []string{old, bob, silent} {
			if got := codeOf(v.Verify(t.Context(), token)); got != "" {
				t.Fatalf("before the logout: %q", got)
			}
		}
		at := time.Now()
		_ = store.Revoke(t.Context(), "acme", "ann", at, at.Add(time.Hour))
		exact := issued("ann", 0)
		<-time.After(logoutAge)
		young := issued("ann", 0)
		for token, want := range map[string]realtime.Code{
			old: realtime.CodeUnauthorized, exact: realtime.CodeUnauthorized, silent: realtime.CodeUnauthorized, young: "", bob: "",
		} {
			_, err := v.Verify(t.Context(), token)
			if got := codeOf(nil, err); got != want {
				t.Errorf("%s: %q, want %q", token, got, want)
			}
			if want != "" && err.Error() != "the token is not valid" {
				t.Errorf("it is told %q", err)
			}
		}
		log := w.lines(t)
		if len(log) != 3 || log[0][realtime.KeyReason] != string(reasonRevoked) || !strings.Contains(fmt.Sprint(log[0][realtime.KeyError]), "ann") {
			t.Errorf("logged %v", log)
		}
	})
}

func TestVerifyAsksForLogoutsOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &registrar{before: map[string]time.Time{}, takes: 500 * time.Millisecond}
		v, _ := newVerifier(t, twoTenants(), Options{Revocations: store})
		token := issued("ann", time.Minute)
		crowd := func(n int) {
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					if got := codeOf(v.Verify(t.Context(), token)); got != "" {
						t.Errorf("refused with %q", got)
					}
				})
			}
			all.Wait()
		}
		crowd(100) // all at one time
		crowd(100) // half a second later
		if n := store.count(); n != 1 {
			t.Errorf("asked %d times within a second, want once", n)
		}
		<-time.After(500 * time.Millisecond)
		crowd(1)
		if n := store.count(); n != 2 {
			t.Errorf("asked %d times, want an answer to last a second", n)
		}
		// A forged or an ended token asks nobody.
		_, _ = v.Verify(t.Context(), token[:len(token)-3]+"AAA")
		_, _ = v.Verify(t.Context(), byAcme(plain, saying(`"exp":946684801`)))
		if n := store.count(); n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestVerifyWithoutTheStoreOfLogouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &registrar{before: map[string]time.Time{}}
		v, w := newVerifier(t, twoTenants(), Options{Revocations: store})
		token := issued("ann", time.Minute)
		want := func(what string, ctx context.Context, wantWithin time.Duration) {
			t.Helper()
			begun := time.Now()
			_, err := v.Verify(ctx, token)
			if e := (*realtime.Error)(nil); !errors.As(err, &e) || e.Code != realtime.CodeUnavailable || e.RetryAfter <= 0 {
				t.Errorf("%s: %v, want %s", what, err, realtime.CodeUnavailable)
			}
			if took := time.Since(begun); took > wantWithin {
				t.Errorf("%s: answered after %v, want %v", what, took, wantWithin)
			}
		}
		store.set(0, errors.New("it is down"))
		want("an error", t.Context(), 0)
		<-time.After(logoutAge)
		store.set(time.Hour, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		want("a caller that gives up", ctx, time.Second)
		want("no answer", t.Context(), logoutTime)
		store.set(0, nil)
		<-time.After(logoutAge)
		if got := codeOf(v.Verify(t.Context(), token)); got != "" {
			t.Errorf("once it is back: %q", got)
		}
		if len(w.refused) != 0 {
			t.Errorf("an outage is counted as a refusal: %v", w.refused)
		}
		store.panics = true
		<-time.After(logoutAge)
		want("a panic", t.Context(), 0)
		store.panics = false
		<-time.After(logoutAge)
		if got := codeOf(v.Verify(t.Context(), token)); got != "" {
			t.Errorf("after a panic: %q", got)
		}
		store.set(time.Hour, nil)
		<-time.After(logoutAge)
		go func() { <-time.After(time.Second); _ = v.Close() }()
		want("closed meanwhile", t.Context(), time.Second)
		want("closed", t.Context(), 0)
	})
}

func TestLogoutsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogouts(&registrar{before: map[string]time.Time{}}, slog.New(slog.DiscardHandler), realtime.NoMetrics{})
		defer l.close()
		for i := range 3 * logoutsKept {
			if err := l.check(t.Context(), "acme", fmt.Sprint(i), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if n := l.answers.Len(); n > 2*logoutsKept {
			t.Errorf("%d answers are kept", n)
		}
	})
}
