package storetest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// TestRevocations runs the contract of realtime.Revocations against a driver. Each case has a
// store of its own and runs in parallel with the others.
func TestRevocations(t *testing.T, h Harness) {
	cases := []struct {
		name string
		run  func(*logouts)
	}{
		{"Revoke", (*logouts).revoke},
		{"LatestHolds", (*logouts).latestHolds},
		{"OddUsers", (*logouts).oddUsers},
		{"TenantsAreApart", (*logouts).tenantsAreApart},
		{"Together", (*logouts).together},
		{"BadNames", (*logouts).badNames},
		{"Cancelled", (*logouts).cancelled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stores := h.Revocations(t)
			c.run(&logouts{T: t, store: stores[0], other: stores[1], now: time.Now().Truncate(time.Millisecond)})
		})
	}
}

// logouts is where one case of TestRevocations runs.
type logouts struct {
	*testing.T
	store, other realtime.Revocations
	now          time.Time
}

// write revokes for a user of acme.
func (l *logouts) write(s realtime.Revocations, user string, before, until time.Time) {
	l.Helper()
	if err := s.Revoke(l.Context(), "acme", user, before, until); err != nil {
		l.Fatalf("revoke %q: %v", user, err)
	}
}

// want fails unless both see the moment, at once.
func (l *logouts) want(tenant, user string, before time.Time) {
	l.Helper()
	for i, s := range []realtime.Revocations{l.store, l.other} {
		got, err := s.RevokedBefore(l.Context(), tenant, user)
		if err != nil || !got.Equal(before) || got.IsZero() != before.IsZero() {
			l.Errorf("store %d says of %s, %q: %v, %v, want %v", i, tenant, user, got, err, before)
		}
	}
}

func (l *logouts) revoke() {
	l.want("acme", "ann", time.Time{})
	l.write(l.store, "ann", l.now, l.now.Add(time.Hour))
	l.want("acme", "ann", l.now)
	l.want("acme", "an", time.Time{})
	l.want("acme", "Ann", time.Time{})
	l.write(l.other, "ann", l.now.Add(time.Minute), l.now.Add(2*time.Hour))
	l.want("acme", "ann", l.now.Add(time.Minute))
}

func (l *logouts) latestHolds() {
	latest := l.now.Add(time.Minute)
	l.write(l.store, "ann", latest, l.now.Add(time.Hour))
	l.write(l.other, "ann", l.now, l.now.Add(2*time.Hour))
	l.want("acme", "ann", latest)
	l.write(l.store, "ann", latest, l.now.Add(time.Minute))
	l.want("acme", "ann", latest)
}

// oddUsers are names that mean something to somebody, each of which has a moment of its own.
func (l *logouts) oddUsers() {
	users := []string{
		"a/b", "a%2Fb", "a%252Fb", "a", "b", "/", "//", ".", "..", "...", "%", "%2E", "__ann__", "__", "_", "%5F_ann__", "ann@example.com", "auth0|5f7c8ec7c33c6c004bbafe82",
		" ", "ann ", "*", "ü/☃", "`a`", "a.b", "~[$]", `"`, "\\", strings.Repeat("/", realtime.MaxIDBytes), strings.Repeat("x", realtime.MaxIDBytes), "\U0001F600",
	}
	for i, user := range users {
		l.write(l.store, user, l.now.Add(time.Duration(i)*time.Second), l.now.Add(time.Hour))
	}
	for i, user := range users {
		l.want("acme", user, l.now.Add(time.Duration(i)*time.Second))
	}
}

func (l *logouts) tenantsAreApart() {
	l.write(l.store, "ann", l.now, l.now.Add(time.Hour))
	l.want("globex", "ann", time.Time{})
	l.want("initech", "acme", time.Time{})
}

// together: of logouts at one time the latest holds, whoever comes first.
func (l *logouts) together() {
	const n = 12
	var all sync.WaitGroup
	for i := range n {
		store := []realtime.Revocations{l.store, l.other}[i%2]
		all.Go(func() {
			if err := store.Revoke(l.Context(), "acme", "ann", l.now.Add(time.Duration(i)*time.Second), l.now.Add(time.Hour)); err != nil {
				l.Errorf("one of %d logouts at a time: %v", n, err)
			}
		})
	}
	all.Wait()
	l.want("acme", "ann", l.now.Add((n-1)*time.Second))
}

func (l *logouts) badNames() {
	for _, name := range [][2]string{{"acme", ""}, {"", "ann"}, {"a/b", "ann"}} {
		_, err := l.store.RevokedBefore(l.Context(), name[0], name[1])
		for what, err := range map[string]error{
			"RevokedBefore": err,
			"Revoke":        l.store.Revoke(l.Context(), name[0], name[1], l.now, l.now.Add(time.Hour)),
		} {
			if realtime.CodeOf(err) != realtime.CodeBadRequest {
				l.Errorf("%s of tenant %q, user %q: %v, want %s", what, name[0], name[1], err, realtime.CodeBadRequest)
			}
		}
	}
}

func (l *logouts) cancelled() {
	ctx, cancel := context.WithCancel(l.Context())
	cancel()
	if _, err := l.store.RevokedBefore(ctx, "acme", "ann"); err == nil {
		l.Error("RevokedBefore with a cancelled context returned no error")
	}
	if err := l.store.Revoke(ctx, "acme", "ann", l.now, l.now); err == nil {
		l.Error("Revoke with a cancelled context returned no error")
	}
}
