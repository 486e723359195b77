package logout

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

func TestLogoutsAreRemembered(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_000_000_000_000)
	l := New(10*time.Minute, now)
	closing := func(tenant string, to realtime.Target, before time.Time) *realtime.Message {
		return &realtime.Message{Kind: realtime.KindClose, Tenant: tenant, To: to, Code: realtime.CodeUnauthorized, Before: before}
	}
	l.Add(closing("acme", realtime.Target{User: "ann"}, now), now)
	l.Add(closing("acme", realtime.Target{User: "ann"}, now.Add(-time.Hour)), now) // an older one, come late
	l.Add(closing("acme", realtime.Target{Group: "fx"}, now), now)
	tests := []struct {
		name    string
		p       realtime.Principal
		refused bool
	}{
		{"before", realtime.Principal{Tenant: "acme", User: "ann", Issued: now.Add(-time.Millisecond)}, true},
		{"at the moment", realtime.Principal{Tenant: "acme", User: "ann", Issued: now}, true},
		{"after", realtime.Principal{Tenant: "acme", User: "ann", Issued: now.Add(time.Millisecond)}, false},
		{"it does not say", realtime.Principal{Tenant: "acme", User: "ann"}, true},
		{"another user", realtime.Principal{Tenant: "acme", User: "bob"}, false},
		{"another tenant", realtime.Principal{Tenant: "globex", User: "ann"}, false},
		{"the group", realtime.Principal{Tenant: "acme", User: "bob", Groups: []string{"eu", "fx"}, Issued: now}, true},
		{"the group, after", realtime.Principal{Tenant: "acme", User: "bob", Groups: []string{"fx"}, Issued: now.Add(time.Second)}, false},
		{"another group", realtime.Principal{Tenant: "acme", User: "bob", Groups: []string{"ann"}}, false},
	}
	for _, tt := range tests {
		if err := l.Refuses(&tt.p); (err != nil) != tt.refused {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	later := now.Add(11 * time.Minute)
	l.Add(closing("acme", realtime.Target{User: "bob"}, later), later)
	if l.Refuses(&realtime.Principal{Tenant: "acme", User: "ann"}) == nil {
		t.Error("it was forgotten too early")
	}
	later = later.Add(11 * time.Minute)
	l.Add(closing("acme", realtime.Target{User: "bob"}, later), later)
	if l.Refuses(&realtime.Principal{Tenant: "acme", User: "ann"}) != nil {
		t.Error("it is remembered for ever")
	}
	for i := range 3 * maxLogouts {
		l.Add(closing("acme", realtime.Target{User: fmt.Sprint(i)}, later), later)
	}
	if n := l.remembered.Len(); n > 2*maxLogouts {
		t.Errorf("%d are remembered", n)
	}
}
