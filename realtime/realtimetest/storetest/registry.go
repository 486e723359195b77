package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidewire/tidewire/realtime"
)

// TestRegistry runs the contract of realtime.Registry against a driver. Each
// case has a registry of its own and runs in parallel with the others.
func TestRegistry(t *testing.T, h Harness) {
	h = h.withDefaults()
	cases := []struct {
		name string
		run  func(*desk)
	}{
		{"Connect", (*desk).connect},
		{"List", (*desk).list},
		{"Pages", (*desk).pages},
		{"PagesOfASelection", (*desk).pagesOfASelection},
		{"PagesOverTheDead", (*desk).pagesOverTheDead},
		{"OddNames", (*desk).oddNames},
		{"Limit", (*desk).limit},
		{"Rewrite", (*desk).rewrite},
		{"Disconnect", (*desk).disconnect},
		{"TenantsAreApart", (*desk).tenantsAreApart},
		{"Expiry", (*desk).expiry},
		{"LeaseEnds", (*desk).leaseEnds},
		{"LeaseIsMissing", (*desk).leaseIsMissing},
		{"Release", (*desk).release},
		{"Bulk", (*desk).bulk},
		{"CallerKeepsItsValues", (*desk).callerKeepsItsValues},
		{"Cancelled", (*desk).cancelled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := &desk{T: t, harness: h, registry: h.Registry(t), now: time.Now().Truncate(time.Millisecond)}
			d.lease("i1", time.Hour)
			c.run(d)
		})
	}
}

// desk is where one case of TestRegistry runs. Instance i1 has a lease.
type desk struct {
	*testing.T
	harness  Harness
	registry realtime.Registry
	now      time.Time
}

// doc returns a document of instance i1 that lives long enough.
func (d *desk) doc(tenant, id string) realtime.ConnectionDoc {
	return realtime.ConnectionDoc{Tenant: tenant, ID: id, User: "ann", Instance: "i1", Connected: d.now, Expires: d.now.Add(time.Hour)}
}

func (d *desk) lease(instance string, length time.Duration) {
	d.Helper()
	lease := realtime.Lease{
		Instance: instance, Service: "gateway", Revision: "r1", Region: "europe-west1",
		Started: d.now, Sockets: 1, Until: time.Now().Add(length).Truncate(time.Millisecond),
	}
	if err := d.registry.Renew(d.Context(), lease); err != nil {
		d.Fatalf("renew %s: %v", instance, err)
	}
}

func (d *desk) write(docs ...realtime.ConnectionDoc) {
	d.Helper()
	if err := d.registry.Connect(d.Context(), docs); err != nil {
		d.Fatalf("connect: %v", err)
	}
}

// page lists one page.
func (d *desk) page(tenant string, q realtime.ConnectionQuery) realtime.ConnectionPage {
	d.Helper()
	page, err := d.registry.Connections(d.Context(), tenant, q)
	if err != nil {
		d.Fatalf("connections of %s, %+v: %v", tenant, q, err)
	}
	return page
}

// all lists all pages and returns the IDs and the number of pages.
func (d *desk) all(tenant string, q realtime.ConnectionQuery) (ids []string, pages int) {
	d.Helper()
	for {
		page := d.page(tenant, q)
		pages++
		for _, doc := range page.Connections {
			ids = append(ids, doc.ID)
		}
		if page.Next == "" {
			return ids, pages
		}
		if q.After >= page.Next {
			d.Fatalf("the page after %q says that the next one is after %q", q.After, page.Next)
		}
		q.After = page.Next
	}
}

// want fails unless exactly these connections are listed.
func (d *desk) want(tenant string, q realtime.ConnectionQuery, ids ...string) {
	d.Helper()
	got, _ := d.all(tenant, q)
	if diff := cmp.Diff(ids, got, cmpopts.EquateEmpty()); diff != "" {
		d.Errorf("connections of %s, %+v (-want +got):\n%s", tenant, q, diff)
	}
}

// soon waits until exactly these connections are listed.
func (d *desk) soon(tenant string, ids ...string) {
	d.Helper()
	late := time.After(d.harness.Patience)
	for {
		got, _ := d.all(tenant, realtime.ConnectionQuery{})
		if cmp.Equal(ids, got, cmpopts.EquateEmpty()) {
			return
		}
		select {
		case <-late:
			d.Fatalf("connections of %s are %q, want %q", tenant, got, ids)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (d *desk) cancelled() {
	ctx, cancel := context.WithCancel(d.Context())
	cancel()
	r := d.registry
	_, err := r.Connections(ctx, "acme", realtime.ConnectionQuery{})
	for what, err := range map[string]error{
		"Connections": err,
		"Renew":       r.Renew(ctx, realtime.Lease{Instance: "i1", Until: d.now}),
		"Release":     r.Release(ctx, "i1"),
		"Connect":     r.Connect(ctx, []realtime.ConnectionDoc{d.doc("acme", "c1")}),
		"Disconnect":  r.Disconnect(ctx, []realtime.ConnectionRef{{Tenant: "acme", ID: "c1"}}),
	} {
		if err == nil {
			d.Errorf("%s with a cancelled context returned no error", what)
		}
	}
}
