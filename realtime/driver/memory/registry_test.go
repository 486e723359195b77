package memory

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

func TestRegistrySweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, r := t.Context(), NewRegistry()
		write := func(instance, id string) {
			t.Helper()
			now := time.Now()
			if err := r.Renew(ctx, realtime.Lease{Instance: instance, Until: now.Add(time.Minute)}); err != nil {
				t.Fatal(err)
			}
			doc := realtime.ConnectionDoc{Tenant: "acme", ID: id, Instance: instance, Expires: now.Add(10 * time.Minute)}
			if err := r.Connect(ctx, []realtime.ConnectionDoc{doc}); err != nil {
				t.Fatal(err)
			}
		}
		write("gone", "a")
		<-time.After(5 * time.Minute)
		write("alive", "b")
		if len(r.tenants["acme"]) != 2 || len(r.leases) != 2 {
			t.Errorf("%d documents and %d leases, want 2 and 2: a document stays until it expires, a lease for a day longer", len(r.tenants["acme"]), len(r.leases))
		}
		<-time.After(6 * time.Minute)
		if err := r.Renew(ctx, realtime.Lease{Instance: "alive", Until: time.Now().Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if len(r.tenants["acme"]) != 1 {
			t.Errorf("%d documents after one of two has expired", len(r.tenants["acme"]))
		}
		if err := r.Release(ctx, "alive"); err != nil {
			t.Fatal(err)
		}
		if len(r.tenants) != 0 || len(r.leases) != 1 {
			t.Errorf("after the release: %v %v", r.tenants, r.leases)
		}
		<-time.After(24 * time.Hour)
		write("new", "c")
		if len(r.leases) != 1 {
			t.Errorf("after a day: %v", r.leases)
		}
	})
}

func TestRevocationsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, r := t.Context(), NewRevocations()
		revoke := func(user string, lasts time.Duration) {
			t.Helper()
			if err := r.Revoke(ctx, "acme", user, time.Now(), time.Now().Add(lasts)); err != nil {
				t.Fatal(err)
			}
		}
		revoke("short", time.Minute)
		revoke("long", time.Hour)
		<-time.After(2 * time.Minute)
		revoke("new", time.Hour)
		if len(r.users) != 2 {
			t.Errorf("%d are remembered, want 2: one could be forgotten", len(r.users))
		}
	})
}
