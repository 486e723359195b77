package tidewire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// enqueue takes the events of these numbers without waiting for the server.
func enqueue(t *testing.T, c *Client, from, to int) (all []*Confirmation) {
	t.Helper()
	for i := from; i < to; i++ {
		w, err := c.Enqueue(t.Context(), Event{Channel: "board:7", ID: fmt.Sprint("e", i), Data: json.RawMessage(fmt.Sprint(i))})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

func events(frames []sentFrame) (ids string) {
	for _, f := range frames {
		ids += f.Event + " "
	}
	return strings.TrimSpace(ids)
}

func ok(f *sentFrame) string { return fmt.Sprintf(`{"type":"ok","id":%s,"event":%q}`, f.ID, f.Event) }

func refuse(f *sentFrame, code string, refusals, retryAfterMs int) string {
	return fmt.Sprintf(`{"type":"error","id":%s,"code":%q,"message":"no","refusals":%d,"retryAfterMs":%d}`, f.ID, code, refusals, retryAfterMs)
}

// What was refused for now is sent again in its order, before anything newer, when all that is under way has been answered and the time
// that the server has named has passed. It shows the newest refusal that the client knows of.
func TestRefusedPublishesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := fakeServer(t)
		defer c.Close()
		conn := s.newest()
		all := enqueue(t, c, 0, 5)
		sent := conn.taken("publish")
		if events(sent) != "e0 e1 e2 e3 e4" || *sent[4].Refusals != 0 {
			t.Fatalf("sent %s", events(sent))
		}
		conn.give(ok(&sent[0]), refuse(&sent[1], "unavailable", 1, 2000), refuse(&sent[2], "limited", 2, 100))
		all = append(all, enqueue(t, c, 5, 6)...)
		time.Sleep(3 * time.Second)
		if early := conn.taken("publish"); len(early) > 0 {
			t.Fatalf("%s was sent before all were answered", events(early))
		}
		conn.give(refuse(&sent[3], "limited", 3, 100), refuse(&sent[4], "limited", 4, 100))
		for next := 1; next <= 5; { // few at a time, at first
			again := conn.taken("publish")
			if len(again) == 0 || next == 1 && len(again) > 1 {
				t.Fatalf("sent again: %s", events(again))
			}
			for i := range again {
				if again[i].Event != fmt.Sprint("e", next) || *again[i].Refusals != 4 {
					t.Fatalf("sent again: %+v, and not e%d", again[i], next)
				}
				conn.give(ok(&again[i]))
				next++
			}
		}
		for _, w := range all {
			if _, err := w.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// After a loss, what was not answered is sent again with its ID, before anything newer.
func TestUnansweredPublishesAreSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := fakeServer(t)
		defer c.Close()
		first := s.newest()
		all := enqueue(t, c, 0, 3)
		sent := first.taken("publish")
		first.give(ok(&sent[1]))
		first.shut(1006)
		time.Sleep(time.Second)
		second := s.newest()
		again := second.taken("publish")
		if events(again) != "e0 e2" {
			t.Fatalf("sent again: %s", events(again))
		}
		second.give(ok(&again[0]), refuse(&again[1], "forbidden", 0, 0))
		for i, w := range all {
			id, err := w.Wait(t.Context())
			if want := map[int]realtime.Code{2: realtime.CodeForbidden}[i]; id != fmt.Sprint("e", i) || err != nil && realtime.CodeOf(err) != want || err == nil && want != "" {
				t.Errorf("%s: %v", id, err)
			}
		}
	})
}

// What nobody waits for is not sent any more, and its room is free again.
func TestPublishEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := fakeServer(t, func(o *Options) { o.MaxPending = 2 })
		defer c.Close()
		s.newest().shut(1013)
		enqueue(t, c, 0, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := c.Publish(ctx, Event{Channel: "board:7", ID: "late", Data: json.RawMessage("1")}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Publish: %v", err)
		}
		synctest.Wait()
		enqueue(t, c, 0, 1)
		if _, err := c.Enqueue(ctx, Event{Channel: "board:7", Data: json.RawMessage("1")}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the third of two: %v", err)
		}
		time.Sleep(3 * time.Second)
		if sent := s.newest().taken("publish"); events(sent) != "e0 e0" {
			t.Errorf("sent %s", events(sent))
		}
	})
}

func TestEventsThatNoServerTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := fakeServer(t)
		one := json.RawMessage("1")
		for says, e := range map[string]Event{
			"channel":              {Data: one},
			"data: is missing":     {Channel: "a"},
			"data: is not valid":   {Channel: "a", Data: json.RawMessage("{")},
			"key: is missing":      {Channel: "a", Delete: true},
			"data: must be left":   {Channel: "a", Key: "k", Delete: true, Data: one},
			"ttl: needs a key":     {Channel: "a", Data: one, TTL: realtime.Duration(time.Minute)},
			"source: must be at":   {Channel: "a", Data: one, Source: strings.Repeat("x", 257)},
			"the event is larger ": {Channel: "a", Data: json.RawMessage(`"` + strings.Repeat("x", 65536) + `"`)},
		} {
			if _, err := c.Publish(t.Context(), e); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", says, err)
			}
		}
		c.Close()
		if _, err := c.Publish(t.Context(), Event{Channel: "a", Data: one}); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// Close fails what is pending.
func TestCloseFailsWhatIsPending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := fakeServer(t)
		all := enqueue(t, c, 0, 3)
		called := make(chan error, 1)
		go func() {
			_, err := c.Call(t.Context(), "r", nil)
			called <- err
		}()
		synctest.Wait()
		c.Close()
		for _, w := range all {
			if _, err := w.Wait(t.Context()); !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		}
		if err := <-called; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
}
