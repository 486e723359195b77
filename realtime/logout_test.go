package realtime

import (
	"fmt"
	"testing"
	"time"
)

func TestLogoutsAreRemembered(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_000_000_000_000)
	l := newLogouts(10*time.Minute, now)
	closing := func(tenant string, to Target, before time.Time) *Message {
		return &Message{Kind: KindClose, Tenant: tenant, To: to, Code: CodeUnauthorized, Before: before}
	}
	l.add(closing("acme", Target{User: "ann"}, now), now)
	l.add(closing("acme", Target{User: "ann"}, now.Add(-time.Hour)), now) // an older one, come late
	l.add(closing("acme", Target{Group: "fx"}, now), now)
	tests := []struct {
		name    string
		p       Principal
		refused bool
	}{
		{"before", Principal{Tenant: "acme", User: "ann", Issued: now.Add(-time.Millisecond)}, true},
		{"at the moment", Principal{Tenant: "acme", User: "ann", Issued: now}, true},
		{"after", Principal{Tenant: "acme", User: "ann", Issued: now.Add(time.Millisecond)}, false},
		{"it does not say", Principal{Tenant: "acme", User: "ann"}, true},
		{"another user", Principal{Tenant: "acme", User: "bob"}, false},
		{"another tenant", Principal{Tenant: "globex", User: "ann"}, false},
		{"the group", Principal{Tenant: "acme", User: "bob", Groups: []string{"eu", "fx"}, Issued: now}, true},
		{"the group, after", Principal{Tenant: "acme", User: "bob", Groups: []string{"fx"}, Issued: now.Add(time.Second)}, false},
		{"another group", Principal{Tenant: "acme", User: "bob", Groups: []string{"ann"}}, false},
	}
	for _, tt := range tests {
		if err := l.refuses(&tt.p); (err != nil) != tt.refused {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	later := now.Add(11 * time.Minute)
	l.add(closing("acme", Target{User: "bob"}, later), later)
	if l.refuses(&Principal{Tenant: "acme", User: "ann"}) == nil {
		t.Error("it was forgotten too early")
	}
	later = later.Add(11 * time.Minute)
	l.add(closing("acme", Target{User: "bob"}, later), later)
	if l.refuses(&Principal{Tenant: "acme", User: "ann"}) != nil {
		t.Error("it is remembered for ever")
	}
	for i := range 3 * maxLogouts {
		l.add(closing("acme", Target{User: fmt.Sprint(i)}, later), later)
	}
	if n := len(l.now) + len(l.old); n > 2*maxLogouts {
		t.Errorf("%d are remembered", n)
	}
}
