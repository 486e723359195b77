package storetest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidewire/tidewire/realtime"
)

func (d *desk) connect() {
	doc := d.doc("acme", "c1")
	doc.User, doc.Groups = "ann@example.com", []string{"traders", "eu"}
	doc.Meta, doc.Remote = map[string]string{"agent": "x/1", "ü": ""}, "192.0.2.1"
	bare := d.doc("acme", "c2")
	d.write(doc, bare)
	page := d.page("acme", realtime.ConnectionQuery{})
	if diff := cmp.Diff([]realtime.ConnectionDoc{doc, bare}, page.Connections, cmpopts.EquateEmpty()); diff != "" {
		d.Errorf("(-written +listed):\n%s", diff)
	}
	d.write() // nothing is no error
}

func (d *desk) list() {
	ann, bob, eve := d.doc("acme", "1"), d.doc("acme", "2"), d.doc("acme", "3")
	ann.Groups = []string{"eu", "traders"}
	bob.User, bob.Groups = "bob", []string{"eu"}
	eve.User = "eve"
	d.write(eve, ann, bob)
	tests := []struct {
		q    realtime.ConnectionQuery
		want []string
	}{
		{realtime.ConnectionQuery{}, []string{"1", "2", "3"}},
		{realtime.ConnectionQuery{ID: "2"}, []string{"2"}},
		{realtime.ConnectionQuery{ID: "4"}, nil},
		{realtime.ConnectionQuery{User: "bob"}, []string{"2"}},
		{realtime.ConnectionQuery{User: "nobody"}, nil},
		{realtime.ConnectionQuery{Group: "eu"}, []string{"1", "2"}},
		{realtime.ConnectionQuery{Group: "e"}, nil},
		{realtime.ConnectionQuery{Group: "eu", User: "ann"}, []string{"1"}},
		{realtime.ConnectionQuery{ID: "2", User: "ann"}, nil},
		{realtime.ConnectionQuery{ID: "2", Group: "traders"}, nil},
		{realtime.ConnectionQuery{ID: "2", Group: "eu"}, []string{"2"}},
		{realtime.ConnectionQuery{After: "1"}, []string{"2", "3"}},
		{realtime.ConnectionQuery{After: "3"}, nil},
		{realtime.ConnectionQuery{After: "19"}, []string{"2", "3"}},
	}
	for _, tt := range tests {
		d.want("acme", tt.q, tt.want...)
	}
}

func (d *desk) pages() {
	var docs []realtime.ConnectionDoc
	var want []string
	for i := range 250 {
		want = append(want, fmt.Sprintf("c%03d", i))
		docs = append(docs, d.doc("acme", fmt.Sprintf("c%03d", 249-i)))
	}
	d.write(docs...)
	for limit, wantPages := range map[int]int{0: 3, 1000: 1, 250: 1, 249: 2, 7: 36} {
		got, pages := d.all("acme", realtime.ConnectionQuery{Limit: limit})
		if diff := cmp.Diff(want, got); diff != "" {
			d.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
		// A last page may turn out to be empty.
		if pages != wantPages && pages != wantPages+1 {
			d.Errorf("limit %d: %d pages, want %d", limit, pages, wantPages)
		}
	}
}

func (d *desk) pagesOfASelection() {
	var docs []realtime.ConnectionDoc
	var want []string
	for i := range 60 {
		doc := d.doc("acme", fmt.Sprintf("c%03d", i))
		if i%3 == 0 {
			doc.User, doc.Groups = "bob", []string{"eu"}
			want = append(want, doc.ID)
		}
		docs = append(docs, doc)
	}
	d.write(docs...)
	for _, q := range []realtime.ConnectionQuery{{User: "bob", Limit: 7}, {Group: "eu", Limit: 7}, {User: "bob", Group: "eu", Limit: 1}} {
		d.want("acme", q, want...)
	}
}

// pagesOverTheDead: what a page passes over neither ends the list nor is on it.
func (d *desk) pagesOverTheDead() {
	var docs []realtime.ConnectionDoc
	var want []string
	for i := range 80 {
		doc := d.doc("acme", fmt.Sprintf("c%03d", i))
		switch i % 4 {
		case 1:
			want = append(want, doc.ID)
		case 2:
			doc.Expires = d.now.Add(-time.Second)
		default:
			doc.Instance = "dead"
		}
		docs = append(docs, doc)
	}
	d.write(docs...)
	for _, q := range []realtime.ConnectionQuery{{Limit: 1}, {Limit: 3}, {Limit: 20}, {Limit: 21}, {User: "ann", Limit: 5}} {
		d.want("acme", q, want...)
	}
	first := d.page("acme", realtime.ConnectionQuery{Limit: 3})
	if len(first.Connections) > 3 {
		d.Errorf("a page of %d, limit 3", len(first.Connections))
	}
}

// oddNames are no connection's, but are asked for; and users, groups and meta may be called anything.
func (d *desk) oddNames() {
	odd := d.doc("acme", "c1")
	odd.User, odd.Groups = "auth0|a/b", []string{"a/b", "..", "ü ☃", "__x__", "%2F"}
	odd.Meta = map[string]string{"": "nothing", "__x__": "under", "a.b/c": "path", "`%2F`": "quoted"}
	d.write(odd, d.doc("acme", "c2"))
	page := d.page("acme", realtime.ConnectionQuery{User: "auth0|a/b"})
	if diff := cmp.Diff([]realtime.ConnectionDoc{odd}, page.Connections, cmpopts.EquateEmpty()); diff != "" {
		d.Errorf("(-written +listed):\n%s", diff)
	}
	for _, group := range odd.Groups {
		d.want("acme", realtime.ConnectionQuery{Group: group}, "c1")
	}
	for _, name := range []string{"a/b", "/", ".", "..", "__x__", "c1/x", "%", "\xff", "ü"} {
		d.want("acme", realtime.ConnectionQuery{ID: name})
		d.want("acme", realtime.ConnectionQuery{User: name})
		d.want("acme", realtime.ConnectionQuery{User: "auth0|a/b", Group: name + "?"})
		if err := d.registry.Disconnect(d.Context(), []realtime.ConnectionRef{{Tenant: "acme", ID: name}}); err != nil {
			d.Errorf("disconnect %q: %v", name, err)
		}
	}
	d.want("acme", realtime.ConnectionQuery{After: "/"}, "c1", "c2")
	d.want("acme", realtime.ConnectionQuery{After: "__x__"}, "c1", "c2")
}

func (d *desk) limit() {
	for _, limit := range []int{-1, 1001} {
		_, err := d.registry.Connections(d.Context(), "acme", realtime.ConnectionQuery{Limit: limit})
		if realtime.CodeOf(err) != realtime.CodeBadRequest {
			d.Errorf("limit %d: %v, want %s", limit, err, realtime.CodeBadRequest)
		}
	}
}

func (d *desk) rewrite() {
	doc := d.doc("acme", "c1")
	doc.Groups, doc.Meta = []string{"eu"}, map[string]string{"a": "1"}
	d.write(doc)
	newer := d.doc("acme", "c1")
	newer.User = "bob"
	d.write(newer)
	page := d.page("acme", realtime.ConnectionQuery{})
	if diff := cmp.Diff([]realtime.ConnectionDoc{newer}, page.Connections, cmpopts.EquateEmpty()); diff != "" {
		d.Errorf("the newer document does not stand alone (-want +got):\n%s", diff)
	}
	d.want("acme", realtime.ConnectionQuery{Group: "eu"})
	d.want("acme", realtime.ConnectionQuery{User: "ann"})
}

func (d *desk) disconnect() {
	d.write(d.doc("acme", "c1"), d.doc("acme", "c2"), d.doc("acme", "c3"))
	refs := []realtime.ConnectionRef{{Tenant: "acme", ID: "c1"}, {Tenant: "acme", ID: "c3"}, {Tenant: "acme", ID: "absent"}, {Tenant: "nobody", ID: "c2"}}
	for range 2 { // the second time all of them are absent
		if err := d.registry.Disconnect(d.Context(), refs); err != nil {
			d.Fatal(err)
		}
	}
	d.want("acme", realtime.ConnectionQuery{}, "c2")
	if err := d.registry.Disconnect(d.Context(), nil); err != nil {
		d.Errorf("disconnect nothing: %v", err)
	}
}

func (d *desk) tenantsAreApart() {
	d.write(d.doc("acme", "c1"), d.doc("globex", "c1"), d.doc("globex", "c2"))
	d.want("acme", realtime.ConnectionQuery{}, "c1")
	d.want("acme", realtime.ConnectionQuery{ID: "c2"})
	d.want("globex", realtime.ConnectionQuery{User: "ann"}, "c1", "c2")
	d.want("initech", realtime.ConnectionQuery{})
	if doc := d.page("globex", realtime.ConnectionQuery{ID: "c1"}).Connections[0]; doc.Tenant != "globex" {
		d.Errorf("the document of globex says %q", doc.Tenant)
	}
	if err := d.registry.Disconnect(d.Context(), []realtime.ConnectionRef{{Tenant: "acme", ID: "c1"}}); err != nil {
		d.Fatal(err)
	}
	d.want("acme", realtime.ConnectionQuery{})
	d.want("globex", realtime.ConnectionQuery{}, "c1", "c2")
}

func (d *desk) expiry() {
	short, past := d.doc("acme", "short"), d.doc("acme", "past")
	short.Expires = time.Now().Add(300 * time.Millisecond)
	past.Expires = time.Now().Add(-time.Second)
	d.write(short, past, d.doc("acme", "long"))
	d.want("acme", realtime.ConnectionQuery{ID: "past"})
	d.soon("acme", "long")
	d.want("acme", realtime.ConnectionQuery{ID: "short"})
}

func (d *desk) leaseEnds() {
	d.lease("i2", 300*time.Millisecond)
	doc := d.doc("acme", "c2")
	doc.Instance = "i2"
	d.write(d.doc("acme", "c1"), doc)
	d.soon("acme", "c1")
	d.want("acme", realtime.ConnectionQuery{ID: "c2"})
	d.lease("i2", time.Hour) // it was only late
	d.soon("acme", "c1", "c2")
	d.lease("i2", -time.Second)
	d.soon("acme", "c1")
}

func (d *desk) leaseIsMissing() {
	doc := d.doc("acme", "c1")
	doc.Instance = "i3"
	d.write(doc)
	d.want("acme", realtime.ConnectionQuery{})
	d.lease("i3", time.Hour)
	d.soon("acme", "c1")
}

func (d *desk) release() {
	d.lease("i2", time.Hour)
	doc := d.doc("acme", "c2")
	doc.Instance = "i2"
	other := d.doc("globex", "c3")
	other.Instance = "i2"
	d.write(d.doc("acme", "c1"), doc, other)
	for _, instance := range []string{"i2", "i2", "unknown"} {
		if err := d.registry.Release(d.Context(), instance); err != nil {
			d.Fatalf("release %s: %v", instance, err)
		}
	}
	d.soon("acme", "c1")
	d.soon("globex")
}

func (d *desk) bulk() {
	const n = 1500 // more than Firestore takes in one write
	var docs []realtime.ConnectionDoc
	var refs []realtime.ConnectionRef
	for i := range n {
		docs = append(docs, d.doc("acme", fmt.Sprintf("c%05d", i)))
		refs = append(refs, realtime.ConnectionRef{Tenant: "acme", ID: docs[i].ID})
	}
	d.write(docs...)
	if got, _ := d.all("acme", realtime.ConnectionQuery{Limit: 1000}); len(got) != n {
		d.Errorf("%d connections are listed of %d", len(got), n)
	}
	if err := d.registry.Disconnect(d.Context(), refs[1:]); err != nil {
		d.Fatal(err)
	}
	d.want("acme", realtime.ConnectionQuery{}, docs[0].ID)
}

func (d *desk) callerKeepsItsValues() {
	doc := d.doc("acme", "c1")
	doc.Groups, doc.Meta = []string{"eu"}, map[string]string{"a": "1"}
	docs := []realtime.ConnectionDoc{doc}
	d.write(docs...)
	docs[0].ID = "overwritten"
	doc.Groups[0], doc.Meta["a"] = "overwritten", "overwritten"
	for range 2 { // the second time, what the first one returned was overwritten
		page := d.page("acme", realtime.ConnectionQuery{})
		if len(page.Connections) != 1 {
			d.Fatalf("%d connections, want 1", len(page.Connections))
		}
		got := page.Connections[0]
		if got.ID != "c1" || got.Groups[0] != "eu" || got.Meta["a"] != "1" {
			d.Fatalf("got %+v", got)
		}
		got.Groups[0], got.Meta["a"] = "overwritten", "overwritten"
	}
}
