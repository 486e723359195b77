package tidewire

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// number is what an event of these tests says.
func number(t *testing.T, m *Message) int {
	t.Helper()
	n, err := strconv.Atoi(string(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Events are numbered, so that what a reader has is one stretch of numbers, unless he was told of a gap. Connections are cut meanwhile: readers begin in the
// past and go on, and others read page after page.
func TestRewindAndHistoryAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
				past(t, d, rand.New(rand.NewPCG(seed, 9)))
			})
		})
	}
}

func past(t *testing.T, d *deployment, r *rand.Rand) {
	c, producer := d.client("ann"), d.client("producer")
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	var times []time.Time // of each event
	published, trials, whole := 0, 0, 0
	for range 40 {
		for range 1 + r.IntN(20) {
			if _, err := producer.Publish(ctx, Event{Channel: "news:eu", Data: json.RawMessage(strconv.Itoa(published))}); err != nil {
				t.Fatal(err)
			}
			published++
			times = append(times, time.Now())
		}
		if r.IntN(3) == 0 {
			time.Sleep(time.Duration(r.IntN(30)) * time.Second)
		}
		rewind := realtime.Rewind{Count: 1 + r.IntN(200)}
		if r.IntN(3) == 0 {
			rewind = realtime.Rewind{For: time.Duration(1+r.IntN(200)) * time.Second}
		}
		s, err := c.Subscribe("news:eu", SubscribeOptions{Rewind: rewind, Buffer: 5 + r.IntN(300)})
		if err != nil {
			t.Fatal(err)
		}
		slow := rand.New(rand.NewPCG(r.Uint64(), 3))
		readers.Go(func() { rewound(ctx, t, s, rewind, slow) })
		if r.IntN(4) == 0 {
			d.cut()
		}
		synctest.Wait() // what is stored is remembered
		q := HistoryQuery{Limit: 1 + r.IntN(60)}
		reading := c.HistoryPages(ctx, "news:eu", q)
		low, high, complete := published, published, true
		for p, err := range reading {
			if err != nil {
				t.Fatal(err)
			}
			complete = complete && p.Complete
			for i := len(p.Messages) - 1; i >= 0; i-- {
				if n := number(t, p.Messages[i]); n != low-1 || p.Messages[i].Channel != "news:eu" || p.Messages[i].Time.IsZero() {
					t.Fatalf("%d comes before %d", n, low)
				}
				low--
			}
			if r.IntN(10) == 0 {
				d.cut()
			}
		}
		// A gateway that has just begun to follow the tenant knows five minutes.
		young, _ := slices.BinarySearchFunc(times, time.Now().Add(-4*time.Minute), time.Time.Compare)
		if want := max(young, published-150); low > want || complete {
			t.Errorf("%d to %d of %d, complete %t", low, high, published, complete)
		}
		trials++
		from := HistoryQuery{After: someTimeAgo(ctx, t, c), Limit: 7}
		low = -1
		for p, err := range c.HistoryPages(ctx, "news:eu", from) {
			if err != nil {
				t.Fatal(err)
			}
			if !p.Complete {
				t.Errorf("forward from a message that is there: not complete")
			}
			for _, m := range p.Messages {
				if n := number(t, m); low >= 0 && n != low+1 {
					t.Fatalf("%d comes after %d", n, low)
				}
				low = number(t, m)
			}
		}
		if low != published-1 && low >= 0 {
			t.Errorf("ends with %d of %d", low, published)
		}
		whole++
	}
	time.Sleep(10 * time.Minute)
	stop()
	readers.Wait()
	c.Close()
	producer.Close()
	if trials < 40 || whole < 40 {
		t.Errorf("only %d trials", trials)
	}
}

// someTimeAgo is the position of a message that was a little while ago.
func someTimeAgo(ctx context.Context, t *testing.T, c *Client) string {
	t.Helper()
	p, err := c.History(ctx, "news:eu", HistoryQuery{Limit: 30})
	if err != nil {
		t.Fatal(err)
	}
	return p.Messages[0].Position
}

// rewound checks what a reader has: the past that was promised, and everything behind it.
func rewound(ctx context.Context, t *testing.T, s *Subscription, w realtime.Rewind, r *rand.Rand) {
	last, left := -1, 0
	for u, err := range s.Updates(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				t.Error(err)
			}
			return
		}
		switch u.Kind {
		case KindLive, KindGap:
			if u.Resumed {
				continue
			}
			if last, left = -1, u.Rewound; u.Complete && w.Count != 0 && u.Rewound != w.Count || u.Rewound > w.Count && w.For == 0 {
				t.Errorf("rewind %s: %d were promised, complete %t", w, u.Rewound, u.Complete)
			}
		case KindMessage:
			n := number(t, u.Message)
			if last >= 0 && n != last+1 {
				t.Errorf("rewind %s: %d comes after %d", w, n, last)
			}
			last = n
			left--
		}
		if r.IntN(100) == 0 {
			time.Sleep(time.Duration(r.IntN(20)) * time.Second)
		}
	}
	if left > 0 {
		t.Errorf("%d are missing that were promised", left)
	}
}

// A page that is lost on the way is asked for again; one that is refused is not.
func TestHistoryIsAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := fakeServer(t)
		defer c.Close()
		first := s.newest()
		type answer struct {
			p   *HistoryPage
			err error
		}
		got := make(chan answer, 1)
		ask := func(q HistoryQuery) {
			go func() {
				p, err := c.History(t.Context(), "news:eu", q)
				got <- answer{p, err}
			}()
		}
		ask(HistoryQuery{Limit: 2})
		if asked := first.taken("history"); len(asked) != 1 || asked[0].Channel != "news:eu" {
			t.Fatalf("asked %+v", asked)
		}
		first.shut(1006)
		time.Sleep(time.Minute)
		conn := s.newest()
		asked := conn.taken("history")
		if len(asked) != 1 {
			t.Fatalf("asked %+v", asked)
		}
		conn.give(fmt.Sprintf(`{"type":"error","id":%s,"code":"limited","limit":"queueBytes","message":"no","retryAfterMs":3000}`, asked[0].ID))
		time.Sleep(2 * time.Second)
		if early := conn.taken("history"); len(early) > 0 {
			t.Fatalf("asked too early: %+v", early)
		}
		time.Sleep(2 * time.Second)
		asked = conn.taken("history")
		conn.give(fmt.Sprintf(`{"type":"ok","id":%s,"channel":"news:eu","messages":[{"position":"1000-a","time":1000,"data":{"n":1}},{"position":"2000-b","key":"k","time":2000,"deleted":true}],"more":true,"complete":true,"hint":"http"}`, asked[0].ID))
		a := <-got
		if a.err != nil || !a.p.More || !a.p.Complete || !a.p.Beyond || a.p.Next.Before != "1000-a" || len(a.p.Messages) != 2 || a.p.Messages[0].ID != "a" || !a.p.Messages[1].Deleted {
			t.Fatalf("%+v, %v", a.p, a.err)
		}
		ask(HistoryQuery{From: time.UnixMilli(1000), To: time.UnixMilli(9000)})
		asked = conn.taken("history")
		conn.give(fmt.Sprintf(`{"type":"ok","id":%s,"channel":"news:eu","messages":[{"position":"2000-b","time":2000,"data":1}],"more":true,"complete":false}`, asked[0].ID))
		if a = <-got; a.err != nil || a.p.Next.After != "2000-b" || !a.p.Next.From.IsZero() || a.p.Next.To != time.UnixMilli(9000) {
			t.Fatalf("%+v, %v", a.p, a.err)
		}
		ask(HistoryQuery{})
		asked = conn.taken("history")
		conn.give(fmt.Sprintf(`{"type":"error","id":%s,"code":"forbidden","message":"channel: no grant for the history of \"news:eu\""}`, asked[0].ID))
		if a = <-got; realtime.CodeOf(a.err) != realtime.CodeForbidden || !strings.Contains(a.err.Error(), "no grant") {
			t.Fatalf("%+v, %v", a.p, a.err)
		}
	})
}

// What no server answers is refused before it is asked, by the name of the field.
func TestHistoryQueries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := fakeServer(t)
		defer c.Close()
		for says, q := range map[string]HistoryQuery{
			"limit: must be 1 to 1000":            {Limit: 1001},
			"After: must be a position":           {After: "yesterday"},
			"Before: must be a position":          {Before: "-1-a"},
			"before: must be left out":            {After: "1-a", Before: "2-b"},
			"from: must be left out":              {After: "1-a", From: time.UnixMilli(5)},
			"to: must be later than from":         {From: time.UnixMilli(5), To: time.UnixMilli(5)},
			"From: must be after 1970":            {From: time.Unix(-5, 0)},
			"to: must be left out where before s": {Before: "1-a", To: time.UnixMilli(5)},
		} {
			if _, err := c.History(t.Context(), "news:eu", q); realtime.CodeOf(err) != realtime.CodeBadRequest || !strings.Contains(err.Error(), says) {
				t.Errorf("%+v: %v, want %q", q, err, says)
			}
		}
		if _, err := c.History(t.Context(), "news:*", HistoryQuery{}); realtime.CodeOf(err) != realtime.CodeBadRequest {
			t.Errorf("of a pattern: %v", err)
		}
		if asked := s.newest().taken("history"); len(asked) > 0 {
			t.Errorf("asked %+v", asked)
		}
	})
}
