package publish_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/internal/checked"
	"github.com/tidewire/tidewire/realtime/publish"
)

// recorder is a broker that remembers what it is handed, in order. answer says
// what becomes of a message: it calls done, or keeps it for later.
type recorder struct {
	answer func(m *realtime.Message, done func(error))

	mu       sync.Mutex
	messages []realtime.Message
}

func (r *recorder) Publish(_ context.Context, _ realtime.Topic, m *realtime.Message, done func(error)) {
	r.mu.Lock()
	r.messages = append(r.messages, *m)
	r.mu.Unlock()
	if r.answer == nil {
		done(nil)
		return
	}
	r.answer(m, done)
}

func (*recorder) Follow(context.Context, realtime.Topic, realtime.Following) (realtime.Stream, error) {
	return nil, realtime.Errorf(realtime.CodeUnavailable, "it only records")
}

func (*recorder) Close(context.Context) error { return nil }

func publication(t testing.TB, channel, id string) realtime.Publication {
	t.Helper()
	c, err := realtime.NewChannel("acme", channel)
	if err != nil {
		t.Fatal(err)
	}
	return realtime.Publication{Channel: c, ID: id, Data: []byte(`{"v":1}`)}
}

var acme = &realtime.Tenant{ID: "acme"}

func TestPublisherNumbersPerChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broker := &recorder{}
		p := publish.New(broker, publish.Options{})
		start := time.UnixMilli(time.Now().UnixMilli())
		for _, channels := range []string{"a b a", "b a"} {
			var pubs []realtime.Publication
			for _, c := range strings.Fields(channels) {
				pubs = append(pubs, publication(t, c, ""))
			}
			if err := p.Publish(t.Context(), acme, pubs); err != nil {
				t.Fatal(err)
			}
			for i := range pubs {
				if len(pubs[i].ID) != 22 {
					t.Errorf("publication %d was given the ID %q, want 22 characters", i, pubs[i].ID)
				}
			}
			time.Sleep(time.Second)
		}
		type numbered struct {
			Channel  string
			Number   uint64
			Previous time.Time
		}
		want := []numbered{
			{"a", 1, time.Time{}}, {"b", 1, time.Time{}}, {"a", 2, start},
			{"b", 2, start}, {"a", 3, start},
		}
		var got []numbered
		series := map[string]string{}
		for _, m := range broker.messages {
			name := m.Channel.Name()
			got = append(got, numbered{name, m.Number, m.Previous})
			if s, ok := series[name]; ok && s != m.Series {
				t.Errorf("channel %s changed its series", name)
			}
			series[name] = m.Series
			if m.Kind != realtime.KindPublication || m.Series == "" {
				t.Errorf("message %+v has no kind or series", m)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if series["a"] == series["b"] {
			t.Error("two channels share a series")
		}
	})
}

func TestPublisherHandsOverInOrderOfNumbers(t *testing.T) {
	t.Parallel()
	broker := &recorder{}
	p := publish.New(broker, publish.Options{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				pubs := []realtime.Publication{publication(t, "a", ""), publication(t, "b", "")}
				if err := p.Publish(t.Context(), acme, pubs); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	last := map[string]uint64{}
	for _, m := range broker.messages {
		if last[m.Channel.Name()]++; m.Number != last[m.Channel.Name()] {
			t.Fatalf("number %d came in place %d", m.Number, last[m.Channel.Name()])
		}
	}
}

func TestPublisherErrors(t *testing.T) {
	t.Parallel()
	refused := realtime.Errorf(realtime.CodeTooLarge, "too large for the broker")
	for _, c := range []struct {
		name   string
		cancel bool
		answer func(m *realtime.Message, done func(error))
		code   realtime.Code
		failed []int
	}{
		{
			name: "refused at once", code: realtime.CodeTooLarge, failed: []int{1},
			answer: func(m *realtime.Message, done func(error)) {
				if m.ID == "1" {
					done(refused)
					return
				}
				done(nil)
			},
		},
		{
			name: "refused later", code: realtime.CodeTooLarge, failed: []int{1},
			answer: func(m *realtime.Message, done func(error)) {
				if m.ID == "1" {
					time.AfterFunc(time.Second, func() { done(refused) })
					return
				}
				time.AfterFunc(2*time.Second, func() { done(nil) })
			},
		},
		{
			name: "not stored in time", code: realtime.CodeUnavailable, failed: []int{0, 1, 2},
			answer: func(_ *realtime.Message, done func(error)) {
				time.AfterFunc(time.Minute, func() { done(nil) })
			},
		},
		{
			name: "the caller gives up", code: realtime.CodeUnavailable, failed: []int{0, 1, 2}, cancel: true,
			answer: func(_ *realtime.Message, done func(error)) {
				time.AfterFunc(time.Minute, func() { done(nil) })
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				broker := &recorder{answer: c.answer}
				p := publish.New(broker, publish.Options{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.cancel {
					time.AfterFunc(time.Second, cancel)
				}
				pubs := []realtime.Publication{publication(t, "a", "0"), publication(t, "b", "1"), publication(t, "a", "2")}
				err := p.Publish(ctx, acme, pubs)
				var which *publish.Error
				if !errors.As(err, &which) || realtime.CodeOf(err) != c.code {
					t.Fatalf("got %v, want a PublishError with code %s", err, c.code)
				}
				var failed []int
				for _, f := range which.Failed {
					failed = append(failed, f.Index)
				}
				if diff := cmp.Diff(c.failed, failed); diff != "" || which.Of != 3 {
					t.Errorf("failed: %s", diff)
				}
				time.Sleep(2 * time.Minute) // late answers change nothing

				broker.answer = nil
				if err := p.Publish(t.Context(), acme, []realtime.Publication{publication(t, "b", "3")}); err != nil {
					t.Fatal(err)
				}
				before, after := broker.messages[1], broker.messages[3]
				if after.Series == before.Series || after.Number != 1 || !after.Previous.IsZero() {
					t.Errorf("after an error on its channel came %q number %d, want number 1 of a series other than %q", after.Series, after.Number, before.Series)
				}
			})
		})
	}
}

func TestPublisherRefusesWhole(t *testing.T) {
	t.Parallel()
	foreign, err := realtime.NewChannel("globex", "a")
	if err != nil {
		t.Fatal(err)
	}
	broker := &recorder{}
	p := publish.New(broker, publish.Options{})
	pubs := []realtime.Publication{publication(t, "a", ""), {ID: "x"}, {Channel: foreign}, publication(t, "a", "\x00")}
	err = p.Publish(t.Context(), acme, pubs)
	const want = "publish: 3 of 4 failed, first number 1: channel: is missing"
	if err == nil || err.Error() != want || realtime.CodeOf(err) != realtime.CodeBadRequest {
		t.Errorf("got %v, want %s", err, want)
	}
	if len(broker.messages) != 0 {
		t.Errorf("%d were published of a batch with bad ones", len(broker.messages))
	}
	if err := p.Publish(t.Context(), acme, nil); err != nil {
		t.Errorf("nothing to publish: %v", err)
	}
}

// What was read as part of a frame is not read again; whoever else publishes has it checked, and sizes are checked always.
func TestPublisherChecksData(t *testing.T) {
	t.Parallel()
	broker := &recorder{}
	p := publish.New(broker, publish.Options{})
	plain := func(pubs []realtime.Publication) error { return p.Publish(t.Context(), acme, pubs) }
	read := func(pubs []realtime.Publication) error {
		return p.PublishChecked(t.Context(), acme, pubs, checked.JSON{})
	}
	for _, c := range []struct {
		name    string
		publish func([]realtime.Publication) error
		data    []byte
		code    realtime.Code
	}{
		{"valid", plain, []byte(`{"a":[1,2]}`), ""},
		{"not JSON", plain, []byte(`{"a":`), realtime.CodeBadRequest},
		{"too large", plain, bytes.Repeat([]byte("1"), realtime.MaxMessageBytes+1), realtime.CodeTooLarge},
		{"read: valid", read, []byte(`{"a":[1,2]}`), ""},
		{"read: too large", read, bytes.Repeat([]byte("1"), realtime.MaxMessageBytes+1), realtime.CodeTooLarge},
	} {
		pub := publication(t, "a", "")
		pub.Data = c.data
		err := c.publish([]realtime.Publication{pub})
		if (err == nil) != (c.code == "") || err != nil && realtime.CodeOf(err) != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if n := len(broker.messages); n != 2 {
		t.Errorf("%d were published, want 2", n)
	}
}

func TestPublisherForgetsChannels(t *testing.T) {
	t.Parallel()
	broker := &recorder{}
	p := publish.New(broker, publish.Options{Channels: 128})
	send := func(channel string) realtime.Message {
		if err := p.Publish(t.Context(), acme, []realtime.Publication{publication(t, channel, "")}); err != nil {
			t.Fatal(err)
		}
		return broker.messages[len(broker.messages)-1]
	}
	first := send("first")
	for i := range 10_000 {
		send("other:" + strconv.Itoa(i))
	}
	if again := send("first"); again.Number != 1 || again.Series == first.Series {
		t.Errorf("a forgotten channel goes on with number %d of %q, want another series than %q", again.Number, again.Series, first.Series)
	}
	if next := send("first"); next.Number != 2 {
		t.Errorf("a channel just used has number %d, want 2", next.Number)
	}
}

func BenchmarkPublisher(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			p := publish.New(discard{}, publish.Options{})
			pubs := make([]realtime.Publication, size)
			for i := range pubs {
				pubs[i] = publication(b, "a:"+strconv.Itoa(i), "")
			}
			b.ReportAllocs()
			for b.Loop() {
				for i := range pubs {
					pubs[i].ID = ""
				}
				if err := p.Publish(b.Context(), acme, pubs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// discard stores everything at once, nowhere.
type discard struct{ realtime.Broker }

func (discard) Publish(_ context.Context, _ realtime.Topic, _ *realtime.Message, done func(error)) {
	done(nil)
}

func ExamplePublisher() {
	var broker realtime.Broker = &recorder{} // a driver's, such as memory.NewBroker
	publisher := publish.New(broker, publish.Options{})

	tenant := &realtime.Tenant{ID: "acme"}
	channel, err := realtime.NewChannel(tenant.ID, "prices:fx")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = publisher.Publish(context.Background(), tenant, []realtime.Publication{
		{Channel: channel, Key: "EURUSD", Data: []byte(`{"bid":1.0841}`)},
	})
	fmt.Println(err)
	// Output: <nil>
}

// TestPublisherRefusesWhatNobodyCanRead: a program learns it where it publishes.
func TestPublisherRefusesWhatNobodyCanRead(t *testing.T) {
	t.Parallel()
	broker := memory.NewBroker(memory.BrokerOptions{})
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	p := publish.New(broker, publish.Options{})
	acme := &realtime.Tenant{ID: "acme"}
	prices, err := realtime.NewChannel("acme", "prices")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		data string
		code realtime.Code
	}{
		{"hello", realtime.CodeBadRequest},
		{`{"a":`, realtime.CodeBadRequest},
		{`"` + strings.Repeat("x", realtime.MaxMessageBytes) + `"`, realtime.CodeTooLarge},
	} {
		err := p.Publish(t.Context(), acme, []realtime.Publication{{Channel: prices, Data: []byte(tt.data)}})
		if realtime.CodeOf(err) != tt.code {
			t.Errorf("publish %.20q: %v, want %s", tt.data, err, tt.code)
		}
		err = p.SendDirect(t.Context(), acme, realtime.Target{User: "ann"}, &realtime.Publication{Data: []byte(tt.data)})
		if realtime.CodeOf(err) != tt.code {
			t.Errorf("send %.20q: %v, want %s", tt.data, err, tt.code)
		}
	}
	if err := p.Publish(t.Context(), acme, []realtime.Publication{{Channel: prices}}); err != nil {
		t.Errorf("without data: %v", err)
	}
}
