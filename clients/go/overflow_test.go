package tidewire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime/gateway"
)

// A reader that takes nothing for a while holds up nobody, keeps no more than its buffer, and misses nothing.
func TestSlowReaderResumes(t *testing.T) {
	t.Parallel()
	bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
		c := d.client("ann")
		defer c.Close()
		slow, err := c.Subscribe("prices:fx", SubscribeOptions{Buffer: 20})
		if err != nil {
			t.Fatal(err)
		}
		fast, err := c.Subscribe("board:7", SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		next(t, fast)
		for i := range 500 {
			for _, channel := range []string{"prices:fx", "board:7"} {
				if _, err := c.Publish(t.Context(), Event{Channel: channel, Data: json.RawMessage(fmt.Sprint(i))}); err != nil {
					t.Fatal(err)
				}
			}
			if u := next(t, fast); u.Message == nil || string(u.Message.Data) != fmt.Sprint(i) {
				t.Fatalf("%+v", u)
			}
		}
		slow.queue.mu.Lock()
		if n := len(slow.queue.updates); n > 21 {
			t.Errorf("%d updates wait", n)
		}
		slow.queue.mu.Unlock()
		for i := 0; i < 500; {
			u := next(t, slow)
			switch {
			case u.Kind == KindLive && (i == 0 || u.Resumed):
			case u.Kind == KindMessage && string(u.Message.Data) == fmt.Sprint(i):
				i++
			default:
				t.Fatalf("%+v came, and not %d", u, i)
			}
		}
	})
}

// What is dropped is counted, at its place; a gap among it is not forgotten.
func TestDropOldest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := fakeServer(t)
		defer c.Close()
		sub, err := c.Subscribe("prices:fx", SubscribeOptions{Buffer: 3, Overflow: OverflowDropOldest})
		if err != nil {
			t.Fatal(err)
		}
		conn := s.newest()
		asked := conn.taken("subscribe")
		conn.give(fmt.Sprintf(`{"type":"ok","id":%s,"channel":"prices:fx","resumed":false,"gap":false,"position":"1-"}`, asked[0].ID))
		for i := 1; i <= 6; i++ {
			conn.give(fmt.Sprintf(`{"type":"message","channel":"prices:fx","position":"%d-e%d","time":%d,"data":%d}`, i, i, i, i))
		}
		if at := sub.Bookmark(); at.Position != "" {
			t.Errorf("nothing was taken, and it stands at %v", at)
		}
		if u := next(t, sub); u.Kind != KindDropped || u.Count != 3 || u.ByServer || u.Position != "3-e3" {
			t.Errorf("%+v", u)
		}
		conn.give(`{"type":"heartbeat","asOf":1000}`)
		for i := 4; i <= 6; i++ {
			if u := next(t, sub); u.Kind != KindMessage || u.Message.ID != fmt.Sprint("e", i) {
				t.Errorf("%+v", u)
			}
			if at := sub.Bookmark(); at.Position != fmt.Sprintf("%d-e%d", i, i) || (at.AsOf == 1000) != (i == 6) {
				t.Errorf("after %d it stands at %+v", i, at)
			}
		}
	})
}

// A message that alone is larger than the buffer is taken all the same.
func TestLargeMessage(t *testing.T) {
	t.Parallel()
	q := newQueue(&SubscribeOptions{Buffer: 10, BufferBytes: 1000, Overflow: OverflowResume}, func() {})
	large := Update{Kind: KindMessage, Message: &Message{Frame: json.RawMessage(strings.Repeat("x", 5000))}}
	if !q.room(&large) {
		t.Error("there is no room in an empty queue")
	}
	q.put(large)
	if q.room(&large) {
		t.Error("there is room behind it")
	}
}

// What takes no room is merged with its like, and nothing that a reader has to know is lost by it.
func TestSmallUpdatesAreMerged(t *testing.T) {
	t.Parallel()
	q := newQueue(&SubscribeOptions{Buffer: 10, BufferBytes: 1000, Overflow: OverflowResume}, func() {})
	message := Update{Kind: KindMessage, Message: &Message{}}
	for range 100 {
		q.put(Update{Kind: KindLive})
		q.put(Update{Kind: KindGap, Answer: true})
		q.put(Update{Kind: KindDropped, Count: 2})
		q.put(Update{Kind: KindTuned, MaxRate: 1})
		q.put(Update{Kind: KindGap})
		q.put(Update{Kind: KindLive, Resumed: true})
	}
	q.put(message)
	q.put(Update{Kind: KindLive, Resumed: true})
	var all []Update
	for {
		u, ok, _ := q.take()
		if !ok {
			break
		}
		all = append(all, u)
	}
	want := []Update{{Kind: KindDropped, Count: 200}, {Kind: KindTuned, MaxRate: 1}, {Kind: KindGap, Answer: true}, {Kind: KindLive}, message, {Kind: KindLive, Resumed: true}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	if q.bytes != 0 {
		t.Errorf("%d bytes are left", q.bytes)
	}
}

// FuzzServer is a server that says anything: the client neither breaks nor hangs, and keeps to its bounds.
func FuzzServer(f *testing.F) {
	f.Add(greeting + "\n" + `{"type":"ok","channel":"a","position":"1-","resumed":true}` + "\n" + `{"type":"message","channel":"a","position":"2-x","data":1}`)
	f.Add(greeting + "\n" + `{"type":"error","id":2,"code":"limited","retryAfterMs":-5}` + "\n" + `{"type":"ok","id":2,"channel":"a","gap":true}` + "\n" + `{"type":"move","afterMs":0}`)
	f.Add(`{"type":"welcome","heartbeatMs":-1,"expiresAt":-9223372036854775808,"limits":{"messageBytes":1}}` + "\n" + `{"type":"error","code":"expired"}`)
	f.Add(greeting + "\n" + `{"type":"move","afterMs":9223372036854775807}` + "\n" + `{"type":"error","channel":"a","code":""}` + "\n" + `{"type":"notice","code":"gap","channel":"a","position":"x"}`)
	f.Add(greeting + "\n" + `{"type":"error","id":3,"code":"unavailable","refusals":9223372036854775807}` + "\n" + `null` + "\n" + `{"type":"direct","event":""}` + "\n" + `{"type":"heartbeat","asOf":-1}`)
	f.Fuzz(func(t *testing.T, lines string) {
		synctest.Test(t, func(t *testing.T) {
			s := &fake{t: t}
			c, err := New(s.options())
			if err != nil {
				t.Fatal(err)
			}
			sub, err := c.Subscribe("a", SubscribeOptions{Buffer: 4})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Direct(SubscribeOptions{Buffer: 4}); err != nil {
				t.Fatal(err)
			}
			go func() { _ = c.Connect(t.Context()) }()
			go func() { _, _ = c.Publish(t.Context(), Event{Channel: "a", Data: json.RawMessage("1")}) }()
			go func() { _, _ = c.Call(t.Context(), "r", nil) }()
			for line := range strings.Lines(lines) {
				if s.count() == 0 {
					time.Sleep(time.Minute)
				}
				if s.count() > 0 && !s.newest().closed() {
					s.newest().give(strings.TrimSuffix(line, "\n"))
				}
			}
			time.Sleep(time.Minute)
			sub.queue.mu.Lock()
			if n := len(sub.queue.updates); n > 9 {
				t.Errorf("%d updates wait", n)
			}
			sub.queue.mu.Unlock()
			if n := s.count(); n > 200 {
				t.Errorf("%d connections in a minute", n)
			}
			c.Close()
			for {
				if _, err := sub.Next(t.Context()); err != nil {
					break
				}
			}
		})
	})
}
