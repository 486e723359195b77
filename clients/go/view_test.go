package tidewire

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// stateModel is the state of a channel as a server has it.
type stateModel struct {
	r       *rand.Rand
	entries map[string]*Message
	n       int
}

// step changes the state, and returns the messages that tell of it.
func (m *stateModel) step(now time.Time) (told []*Message) {
	m.n++
	e := &Message{Key: fmt.Sprint("k", m.r.IntN(20)), Time: now, Position: fmt.Sprintf("%d-e%d", now.UnixMilli(), m.n)}
	switch m.r.IntN(12) {
	case 0:
		e.Key, e.Cleared = "", true
		clear(m.entries)
	case 1, 2:
		e.Deleted = true
		delete(m.entries, e.Key)
	case 3:
		e.Left = true
		delete(m.entries, e.Key)
	case 4:
		e.Key = "" // an event
	case 5, 6:
		e.Expires = now.Add(time.Duration(1+m.r.IntN(10)) * time.Second)
		m.entries[e.Key] = e
	default:
		m.entries[e.Key] = e
	}
	return []*Message{e}
}

// expire removes what has expired, and returns the messages that tell of it.
func (m *stateModel) expire(now time.Time) (told []*Message) {
	for key, e := range m.entries {
		if !e.Expires.IsZero() && !e.Expires.After(now) {
			delete(m.entries, key)
			told = append(told, &Message{Key: key, Time: now, Deleted: true, Expired: true})
		}
	}
	return told
}

// snapshot puts the state into parts.
func (m *stateModel) snapshot(q *queue) {
	var part []*Message
	for _, e := range m.entries {
		if part = append(part, e); m.r.IntN(3) == 0 {
			q.put(Update{Kind: KindSnapshot, Entries: part, More: true})
			part = nil
		}
	}
	q.put(Update{Kind: KindSnapshot, Entries: part})
}

// TestViewIsTrue drives a view with what a server says of a state that changes at random, among it resumes, snapshots that begin again, and
// times at which nothing is told: whenever all is quiet, the view has what the state has, and Changes has told of every key that differs.
func TestViewIsTrue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			_, c := fakeServer(t)
			defer c.Close()
			sub, err := c.Subscribe("fleet:eu", SubscribeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			v := newView(sub, 0)
			defer v.Close()
			m := &stateModel{r: rand.New(rand.NewPCG(seed, 3)), entries: map[string]*Message{}}
			seen := map[string]*Message{}
			sub.queue.put(Update{Kind: KindLive})
			m.snapshot(sub.queue)
			for range 300 {
				time.Sleep(time.Duration(m.r.IntN(1000)) * time.Millisecond)
				told := m.expire(time.Now())
				for range m.r.IntN(5) {
					told = append(told, m.step(time.Now())...)
				}
				switch m.r.IntN(15) {
				case 0: // the connection was lost; nothing was missed
					sub.queue.put(Update{Kind: KindLive, Resumed: true})
				case 1: // it was lost, and could not be resumed
					sub.queue.put(Update{Kind: KindLive})
					m.snapshot(sub.queue)
					told = nil
				case 2: // a snapshot that begins again
					sub.queue.put(Update{Kind: KindLive})
					sub.queue.put(Update{Kind: KindSnapshot, Entries: []*Message{{Key: "gone", Position: "1-x"}}, More: true})
					sub.queue.put(Update{Kind: KindSnapshot, More: true, Reset: true})
					m.snapshot(sub.queue)
					told = nil
				}
				for _, e := range told {
					sub.queue.put(Update{Kind: KindMessage, Message: e, Position: e.Position})
				}
				synctest.Wait()
				compare(t, v, m.entries)
				catchUp(t, v, seen, m.entries)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

func compare(t *testing.T, v *KeyedView, want map[string]*Message) {
	t.Helper()
	select {
	case <-v.Ready():
	default:
		t.Fatal("it is not ready")
	}
	var keys []string
	for key, m := range v.All() {
		keys = append(keys, key)
		if want[key] == nil || want[key].Position != m.Position {
			t.Errorf("%s is %+v, want %+v", key, m, want[key])
		}
	}
	if len(keys) != len(want) || !slices.IsSorted(keys) || v.Len() != len(want) {
		t.Errorf("it has %v, want %d", keys, len(want))
	}
}

// catchUp applies what Changes tells to a copy, which is true then.
func catchUp(t *testing.T, v *KeyedView, copied, want map[string]*Message) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	keys, err := v.Changes(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for _, key := range keys {
		if m, ok := v.Get(key); ok {
			copied[key] = m
		} else {
			delete(copied, key)
		}
	}
	for key, m := range want {
		if copied[key] == nil || copied[key].Position != m.Position {
			t.Errorf("nobody has told of %s", key)
		}
	}
	if len(copied) != len(want) {
		t.Errorf("the copy has %d keys, want %d", len(copied), len(want))
	}
}

// Without a connection, a view lets expire what does, by the server's clock as far as it is known.
func TestViewExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := fakeServer(t)
		defer c.Close()
		sub, err := c.Subscribe("fleet:eu", SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		v := newView(sub, 1)
		server := time.Now().Add(-24 * time.Hour) // its clock is late by a day
		sub.queue.put(Update{Kind: KindSnapshot, Entries: []*Message{{Key: "k", Time: server, Expires: server.Add(30 * time.Second)}}})
		time.Sleep(29 * time.Second)
		if v.Len() != 1 {
			t.Error("it has expired too early")
		}
		time.Sleep(3 * time.Second)
		if v.Len() != 0 {
			t.Error("it has not expired")
		}
		sub.queue.put(Update{Kind: KindMessage, Message: &Message{Key: "a"}})
		sub.queue.put(Update{Kind: KindMessage, Message: &Message{Key: "b"}})
		synctest.Wait()
		if !errors.Is(v.Err(), ErrViewFull) {
			t.Errorf("two keys in a view of one: %v", v.Err())
		}
		v.Close()
		if _, err := v.Changes(t.Context()); err != nil {
			t.Errorf("the last changes: %v", err)
		}
		if _, err := v.Changes(t.Context()); !errors.Is(err, ErrViewFull) {
			t.Errorf("behind them: %v", err)
		}
	})
}
