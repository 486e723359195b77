package session

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

func publishing(event string) *wire.ClientFrame {
	return &wire.ClientFrame{Type: wire.TypePublish, Channel: "a:1", Event: event}
}

func unavailableFor(d time.Duration) *realtime.Error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "later", RetryAfter: d}
}

// Publishes of one channel that fail together are told one moment: whoever comes at it is let in, the first as the last.
func TestTheRefusedAreToldOneMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r refusedPublishes
		told := time.Duration(0)
		for i, after := range []time.Duration{5 * time.Second, 9 * time.Second, 0, 7 * time.Second} {
			why, _ := r.add(publishing(string(rune('a'+i))), "a:1", true, unavailableFor(after))
			if told = max(told, why.RetryAfter); why.RetryAfter != 5*time.Second {
				t.Errorf("number %d is told %v", i, why.RetryAfter)
			}
		}
		limited, _ := r.add(publishing("e"), "a:1", true, &realtime.Error{Code: realtime.CodeLimited, RetryAfter: 6 * time.Second})
		if limited.RetryAfter != 6*time.Second {
			t.Errorf("a limit is told %v", limited.RetryAfter)
		}
		time.Sleep(6 * time.Second)
		r.reach(r.last())
		if refused, _ := r.arrives(publishing("a")); refused != nil {
			t.Errorf("the first, at the moment that it was told: %v", refused)
		}
	})
}

// Who comes again before the time is over, for whatever reason, is refused together with those behind it, until it was told a moment that all
// of them keep. Who never waits gets in all the same.
func TestWhoComesTooEarlyIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r refusedPublishes
		_, _ = r.add(publishing("a"), "a:1", false, unavailableFor(time.Second))
		if refused, _ := r.arrives(publishing("b")); refused == nil {
			t.Fatal("b was sent before its client knew of a, and got in")
		}
		_, _ = r.add(&wire.ClientFrame{Channel: "a:2", Event: "x"}, "", false, &realtime.Error{Code: realtime.CodeLimited, RetryAfter: 1200 * time.Millisecond})
		time.Sleep(1150 * time.Millisecond) // a comes when it was told
		a, _ := r.arrives(publishing("a"))
		if a == nil {
			t.Fatal("a got in beside a limit")
		}
		time.Sleep(100 * time.Millisecond)
		if b, _ := r.arrives(publishing("b")); b == nil {
			t.Fatal("b overtook a")
		}
		time.Sleep(a.RetryAfter - 100*time.Millisecond)
		for _, event := range []string{"a", "b", "c"} {
			if refused, _ := r.arrives(publishing(event)); refused != nil {
				t.Errorf("%s, in its time: %v", event, refused)
			}
		}
		for i := range 1000 { // also with many behind it
			_, _ = r.add(publishing(strconv.Itoa(i)), "a:1", false, unavailableFor(5*time.Second))
		}
		time.Sleep(5*time.Second - time.Millisecond)
		if first, _ := r.arrives(publishing("0")); first == nil || first.RetryAfter < minRetryAfter {
			t.Errorf("the first of many, too early, is told %+v", first)
		}
		time.Sleep(time.Minute)
		_, _ = r.add(publishing("a"), "a:1", false, unavailableFor(0))
		began := time.Now()
		for {
			if refused, _ := r.arrives(publishing("a")); refused == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if took := time.Since(began); took > (1+2*maxRenewals)*minRetryAfter {
			t.Errorf("who never waits got in after %v", took)
		}
	})
}

// The time stands still while nothing is read, and while what came before a refusal waits in the queue.
func TestALateServerTakesNoTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r refusedPublishes
		_, before := r.arrives(publishing("b"))
		_, number := r.add(publishing("a"), "a:1", true, unavailableFor(0))
		r.hold()
		time.Sleep(time.Hour)
		r.release()
		time.Sleep(900 * time.Millisecond)
		if refused, _ := r.arrives(publishing("c")); refused == nil {
			t.Error("c lay unread, and got in")
		}
		time.Sleep(time.Hour)
		if refused, _ := r.arrives(publishing("c")); refused == nil {
			t.Error("c overtook b, which is queued")
		}
		if refused := r.comes(publishing("b"), before); refused == nil {
			t.Error("b was queued before a was refused, and is published")
		}
		r.reach(number)
		if refused, _ := r.arrives(publishing("c")); refused == nil {
			t.Error("c overtook b, which was refused a moment ago")
		}
		time.Sleep(2 * time.Second)
		_, after := r.arrives(publishing("a"))
		if refused := r.comes(publishing("a"), after); refused != nil {
			t.Error(refused)
		}
	})
}
