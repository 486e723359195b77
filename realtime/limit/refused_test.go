package limit

import (
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/tidewire/tidewire/realtime"
)

// Who is refused is not remembered, whatever its name.
func TestRefusedLeaveNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		doc := &realtime.Tenant{ID: "acme", Limits: realtime.Limits{ConnectsPerSecond: 1, PublishesPerSecond: 1, TenantShare: 1, UserShare: 1, RequestsPerSecond: 1}}
		for i := range 10_000 {
			user := "user" + strconv.Itoa(i)
			if c, err := l.Connect(doc, user); err == nil {
				c.Close()
			}
			_, _ = l.Publish(doc, user, 1), l.Request(doc, user)
		}
		if n := len(l.tenants["acme"].users); n > 10 {
			t.Errorf("%d users are remembered of whom few were let through", n)
		}
	})
}
