package tidewire

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Both links of a move may have been asked for a channel before anything was known of it. Then neither goes on from where the other is: what lies
// between is told as a gap, and what comes twice is not.
func TestMovesBeforeTheFirstAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		old, next []int // where each begins, and what it brings
		first     bool  // the new link is answered first
		lost      bool  // and ends
		want      []string
	}{
		"further on":                       {old: []int{10, 11}, next: []int{15, 16}, want: []string{"11", "gap", "16"}},
		"from where the old one is":        {old: []int{10, 11}, next: []int{11, 12}, want: []string{"11", "12"}},
		"further back":                     {old: []int{12, 13}, next: []int{10, 11, 12, 13, 14}, want: []string{"13", "14"}},
		"lost, the old one further on":     {old: []int{15, 16}, next: []int{10, 11}, first: true, lost: true, want: []string{"11", "gap", "16"}},
		"lost, the old one further back":   {old: []int{10, 11, 12, 13, 14}, next: []int{12, 13}, first: true, lost: true, want: []string{"13", "14"}},
		"the old one is answered too late": {old: []int{10, 11, 12, 13}, next: []int{12, 13}, first: true, want: []string{"13"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, c := fakeServer(t)
				defer c.Close()
				sub, err := c.Subscribe("prices:fx", SubscribeOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Subscribe("board:7", SubscribeOptions{}); err != nil { // is not answered, so that the move goes on
					t.Fatal(err)
				}
				old := s.newest()
				asked := old.taken("subscribe")
				old.give(`{"type":"move","afterMs":0}`)
				time.Sleep(10 * time.Second)
				next := s.newest()
				if next == old || len(asked) != 2 {
					t.Fatal("it has not moved")
				}
				next.give(greeting)
				turns := []func(){func() { begin(old, string(asked[0].ID), tt.old) }, func() { begin(next, "", tt.next) }}
				if tt.first {
					slices.Reverse(turns)
				}
				turns[0]()
				if tt.lost {
					next.shut(1006)
				}
				turns[1]()
				if got := heard(t, sub); !slices.Equal(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// begin answers a question for a channel, and brings what follows.
func begin(by *fakeConn, id string, at []int) {
	if id != "" {
		id = `"id":` + id + `,`
	}
	by.give(fmt.Sprintf(`{"type":"ok",%s"channel":"prices:fx","resumed":false,"gap":false,"position":"%d-%d"}`, id, 1000+at[0], at[0]))
	for _, n := range at[1:] {
		by.give(fmt.Sprintf(`{"type":"message","channel":"prices:fx","position":"%d-%d","data":%d}`, 1000+n, n, n))
	}
}

// heard returns what a subscription has queued: messages and gaps.
func heard(t *testing.T, s *Subscription) (all []string) {
	t.Helper()
	synctest.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for u := range s.Updates(ctx) {
		switch u.Kind {
		case KindMessage:
			all = append(all, string(u.Message.Data))
		case KindGap:
			all = append(all, "gap")
		case KindLive:
			if s.feed.pattern {
				all = append(all, fmt.Sprint("live ", u.Resumed))
			}
		}
	}
	return all
}

// So it is of a pattern, of which a question without an asOf stands nowhere: what lies between may be missing in any of its channels.
func TestPatternMovesBeforeTheFirstAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		old, next int64 // when each begins, s
		first     bool  // the new link is answered first
		lost      string
		want      []string
	}{
		"further on":                       {old: 10, next: 15, want: []string{"live false", "11", "gap", "20"}},
		"from where the old one is":        {old: 10, next: 10, want: []string{"live false", "11", "20"}},
		"further back":                     {old: 10, next: 9, want: []string{"live false", "11", "20"}},
		"further on, the old one lost":     {old: 10, next: 15, lost: "old", want: []string{"live false", "11", "live false", "gap", "20"}},
		"further back, the old one lost":   {old: 10, next: 9, lost: "old", want: []string{"live false", "11", "live true", "20"}},
		"lost, the old one further on":     {old: 15, next: 10, first: true, lost: "next", want: []string{"live false", "11", "live false", "gap", "20"}},
		"the old one is answered too late": {old: 10, next: 15, first: true, want: []string{"live false", "11", "20"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, c := fakeServer(t)
				defer c.Close()
				sub, err := c.Subscribe("prices:*", SubscribeOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Subscribe("board:7", SubscribeOptions{}); err != nil { // is not answered, so that the move goes on
					t.Fatal(err)
				}
				old := s.newest()
				asked := old.taken("subscribe")
				old.give(`{"type":"move","afterMs":0}`)
				time.Sleep(10 * time.Second)
				next := s.newest()
				next.give(greeting)
				begun := func(by *fakeConn, id string, at int64) {
					by.give(fmt.Sprintf(`{"type":"ok","sub":"1",%s"channel":"prices:*","pattern":true,"position":"%d-"}`, id, at*1000))
				}
				message := func(by *fakeConn, n int) {
					by.give(fmt.Sprintf(`{"type":"message","sub":"1","channel":"prices:fx","position":"%d-%d","data":%d}`, n*1000, n, n))
				}
				turns := []func(){
					func() { begun(old, `"id":`+string(asked[0].ID)+",", tt.old) },
					func() { begun(next, "", tt.next) },
				}
				by := []*fakeConn{old, next}
				if tt.first {
					slices.Reverse(turns)
					slices.Reverse(by)
				}
				turns[0]()
				message(by[0], 11)
				got := heard(t, sub)
				if map[string]*fakeConn{"old": old, "next": next}[tt.lost] == by[0] {
					by[0].shut(1006)
				}
				turns[1]()
				message(by[0], 20)
				message(by[1], 20)
				got = append(got, heard(t, sub)...)
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			})
		})
	}
}
