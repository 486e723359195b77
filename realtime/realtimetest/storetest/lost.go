package storetest

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidewire/tidewire/realtime"
)

// Lost is a LostConnections, and what it has taken over.
type Lost struct {
	Connections realtime.LostConnections
	// Taken returns what has come to be known of connections that were taken over, since the last call, in any order, each at least once. It may
	// return before all of it has come.
	Taken func(t *testing.T) []realtime.ConnectionDoc
}

// TestLostConnections runs the contract of realtime.LostConnections against a driver. Each case has one of its own and runs
// in parallel with the others.
func TestLostConnections(t *testing.T, h Harness) {
	h = h.withDefaults()
	cases := []struct {
		name string
		run  func(*takeover)
	}{
		{"All", (*takeover).all},
		{"None", (*takeover).none},
		{"Again", (*takeover).again},
		{"Many", (*takeover).many},
		{"CallerKeepsItsValues", (*takeover).callerKeepsItsValues},
		{"Cancelled", (*takeover).cancelled},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&takeover{T: t, Lost: h.Lost(t), patience: h.Patience, now: time.Now().Truncate(time.Millisecond).UTC(), seen: map[realtime.ConnectionRef]realtime.ConnectionDoc{}})
		})
	}
}

// takeover is where one case of TestLostConnections runs.
type takeover struct {
	*testing.T
	Lost
	patience time.Duration
	now      time.Time
	seen     map[realtime.ConnectionRef]realtime.ConnectionDoc // that were taken over
}

// doc returns a document with every field set.
func (l *takeover) doc(tenant, id string) realtime.ConnectionDoc {
	return realtime.ConnectionDoc{
		Tenant: tenant, ID: id, User: "ann ⌘", Groups: []string{"desk", "ops"}, Instance: "dead", Meta: map[string]string{"theme": "dark"},
		Remote: "2001:db8::1", Connected: l.now.Add(-time.Hour), Expires: l.now.Add(time.Hour),
	}
}

func (l *takeover) lose(docs ...realtime.ConnectionDoc) {
	l.Helper()
	if err := l.Connections.Lost(l.Context(), docs); err != nil {
		l.Fatalf("%d connections: %v", len(docs), err)
	}
}

// comes waits until these connections, and no others, are known to have been taken over, with all that their documents say.
func (l *takeover) comes(docs ...realtime.ConnectionDoc) {
	l.Helper()
	want := map[realtime.ConnectionRef]realtime.ConnectionDoc{}
	for _, d := range docs {
		want[realtime.ConnectionRef{Tenant: d.Tenant, ID: d.ID}] = d
	}
	for late := time.Now().Add(l.patience); len(l.seen) < len(want) && time.Now().Before(late); <-time.After(10 * time.Millisecond) {
		for _, d := range l.Taken(l.T) {
			l.seen[realtime.ConnectionRef{Tenant: d.Tenant, ID: d.ID}] = d
		}
	}
	if diff := cmp.Diff(want, l.seen, cmpopts.EquateEmpty()); diff != "" {
		l.Errorf("(-lost +taken over):\n%s", diff)
	}
}

// all: those of several tenants, equal identifiers among them.
func (l *takeover) all() {
	docs := []realtime.ConnectionDoc{l.doc("acme", "c1"), l.doc("globex", "c1"), {Tenant: "acme", ID: "bare", Instance: "dead", Connected: l.now, Expires: l.now}}
	l.lose(docs...)
	l.comes(docs...)
}

func (l *takeover) none() {
	l.lose()
	l.lose(l.doc("acme", "c1"))
	l.comes(l.doc("acme", "c1"))
}

// again: telling of a connection once more is no error.
func (l *takeover) again() {
	one, other := l.doc("acme", "c1"), l.doc("acme", "c2")
	l.lose(one)
	l.lose(one, other)
	l.lose(one, one)
	l.comes(one, other)
}

// many: nil says that all of them were taken over.
func (l *takeover) many() {
	docs := make([]realtime.ConnectionDoc, 700)
	for i := range docs {
		docs[i] = l.doc("acme", fmt.Sprint("c", i))
	}
	l.lose(docs...)
	l.comes(docs...)
}

// callerKeepsItsValues: who has told of connections may use its documents again.
func (l *takeover) callerKeepsItsValues() {
	docs := []realtime.ConnectionDoc{l.doc("acme", "c1"), l.doc("acme", "c2")}
	l.lose(docs...)
	for i := range docs {
		maps.DeleteFunc(docs[i].Meta, func(string, string) bool { return true })
		docs[i].Groups[0], docs[i].User = "overwritten", "overwritten"
	}
	l.comes(l.doc("acme", "c1"), l.doc("acme", "c2"))
}

func (l *takeover) cancelled() {
	ctx, cancel := context.WithCancel(l.Context())
	cancel()
	if err := l.Connections.Lost(ctx, []realtime.ConnectionDoc{l.doc("acme", "c1")}); err == nil {
		l.Error("Lost with a cancelled context returned no error")
	}
}
