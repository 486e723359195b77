package memory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

const topic1 realtime.Topic = "t1"

func channel(t testing.TB, name string) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// publish publishes events of the given IDs and fails on any error.
func publish(t testing.TB, b *Broker, name realtime.Topic, ids ...string) {
	t.Helper()
	c := channel(t, "prices:fx")
	for _, id := range ids {
		m := &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: id, Data: []byte(id)}}
		b.Publish(t.Context(), name, m, func(err error) {
			if err != nil {
				t.Errorf("publish %s: %v", id, err)
			}
		})
	}
}

func follow(t testing.TB, b *Broker, since time.Time) realtime.Stream {
	t.Helper()
	s, err := b.Follow(t.Context(), topic1, realtime.Following{Instance: "i1", Generation: 1, Since: since})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// receive reads IDs until it has n.
func receive(t testing.TB, s realtime.Stream, n int) []string {
	t.Helper()
	ids := []string{}
	for len(ids) < n {
		batch, err := s.Receive(t.Context())
		if err != nil {
			t.Fatalf("after %d of %d: %v", len(ids), n, err)
		}
		for _, m := range batch {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// numbers are the IDs from one number to another, both included.
func numbers(from, to int) []string {
	ids := []string{}
	for i := from; i <= to; i++ {
		ids = append(ids, strconv.Itoa(i))
	}
	return ids
}

func TestReplayAndClaim(t *testing.T) {
	t.Parallel()
	// Events 0 to 9 are published a minute apart, 0 at the start of the broker.
	tests := []struct {
		name     string
		options  BrokerOptions
		since    time.Duration // after the broker's start
		first    int
		complete time.Duration // after the broker's start
	}{
		{name: "all there ever was", since: -time.Hour, first: 0, complete: -time.Millisecond},
		{name: "from the first moment", since: 0, first: 0, complete: -time.Millisecond},
		{name: "since an event, which is included", since: 4 * time.Minute, first: 4, complete: 5 * time.Minute},
		{name: "since a moment between", since: 4*time.Minute + time.Millisecond, first: 5, complete: 5*time.Minute + time.Millisecond},
		{name: "from now on", since: 9*time.Minute + 30*time.Second, first: 10, complete: 10*time.Minute + 30*time.Second},
		{name: "from some later time on", since: time.Hour, first: 10, complete: 10*time.Minute + 30*time.Second},
		{name: "own margin", options: BrokerOptions{RetryMargin: time.Second}, since: 4 * time.Minute, first: 4, complete: 4*time.Minute + time.Second},
		{
			name: "further back than is kept", options: BrokerOptions{Retention: 4 * time.Minute},
			since: 0, first: 6, complete: 6*time.Minute + 30*time.Second,
		},
		{
			name: "trimmed by size", options: BrokerOptions{TopicBytes: 4 * (overhead + 2)},
			since: 0, first: 6, complete: 6*time.Minute + time.Millisecond,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				b := NewBroker(tt.options)
				defer b.Close(context.Background())
				for i := range 10 {
					publish(t, b, topic1, strconv.Itoa(i))
					if i < 9 {
						<-time.After(time.Minute)
					}
				}
				<-time.After(30 * time.Second)
				s := follow(t, b, start.Add(tt.since))
				if got := s.CompleteSince().Sub(start); got != tt.complete {
					t.Errorf("complete since %v, want %v", got, tt.complete)
				}
				got := receive(t, s, 10-tt.first)
				publish(t, b, topic1, "10")
				got = append(got, receive(t, s, 1)...)
				if diff := cmp.Diff(numbers(tt.first, 10), got); diff != "" {
					t.Errorf("replay and live (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestEviction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 100 * overhead
		b := NewBroker(BrokerOptions{TopicBytes: most})
		defer b.Close(context.Background())
		slow := follow(t, b, time.Time{})
		for i := range 10_000 {
			publish(t, b, topic1, strconv.Itoa(i))
		}
		held := b.topics[topic1].log.bytes
		if held > most || held < most/2 {
			t.Errorf("the topic holds %d bytes, want at most %d and not much less", held, most)
		}
		for range 2 { // the stream has ended: it stays so
			if _, err := slow.Receive(t.Context()); realtime.CodeOf(err) != realtime.CodeTooSlow || errors.Is(err, realtime.ErrBroken) {
				t.Errorf("a stream that fell behind got %v, want an end with %s", err, realtime.CodeTooSlow)
			}
		}

		// What is too old goes from a silent topic as soon as anybody publishes.
		<-time.After(time.Hour)
		publish(t, b, "another", "x")
		if l := &b.topics[topic1].log; l.bytes != 0 || len(l.chunks) != 0 {
			t.Errorf("an hour later the silent topic holds %d bytes in %d chunks", l.bytes, len(l.chunks))
		}
		if got := follow(t, b, time.Time{}).CompleteSince(); !got.After(time.Now().Add(-time.Hour)) {
			t.Errorf("complete since %v, though all was let go", got)
		}
	})
}

func TestOldestReplayHasTimeToBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker(BrokerOptions{})
		defer b.Close(context.Background())
		publish(t, b, topic1, numbers(0, 999)...)
		<-time.After(10 * time.Minute)
		s := follow(t, b, time.Time{})
		<-time.After(time.Minute)
		publish(t, b, topic1, "1000")
		if diff := cmp.Diff(numbers(0, 1000), receive(t, s, 1001)); diff != "" {
			t.Errorf("replay (-want +got):\n%s", diff)
		}
	})
}

func TestBrokerRefuses(t *testing.T) {
	t.Parallel()
	b := NewBroker(BrokerOptions{MessageBytes: 4, Streams: 1, Topics: func(name realtime.Topic) bool { return name == topic1 }})
	defer b.Close(context.Background())
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	m := func(data string) *realtime.Message {
		return &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: channel(t, "c"), ID: "1", Data: []byte(data)}}
	}
	open := follow(t, b, time.Time{})
	tests := []struct {
		name string
		err  error
		want realtime.Code
	}{
		{"what is too large", b.publish(t.Context(), topic1, m("12345")), realtime.CodeTooLarge},
		{"publishing to no topic", b.publish(t.Context(), "other", m("1")), realtime.CodeNotFound},
		{"following no topic", followError(t.Context(), b, "other"), realtime.CodeNotFound},
		{"one stream too many", followError(t.Context(), b, topic1), realtime.CodeLimited},
		{"a cancelled publish", b.publish(cancelled, topic1, m("1")), realtime.CodeInternal},
		{"a cancelled follow", followError(cancelled, b, topic1), realtime.CodeInternal},
	}
	for _, tt := range tests {
		if tt.err == nil || realtime.CodeOf(tt.err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, tt.err, tt.want)
		}
	}
	for range 2 {
		if err := open.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := follow(t, b, time.Time{}).Close(t.Context()); err != nil { // the place is free again
		t.Error(err)
	}
}

func followError(ctx context.Context, b *Broker, name realtime.Topic) error {
	_, err := b.Follow(ctx, name, realtime.Following{Instance: "i2", Generation: 1})
	return err
}

func TestPublishAllocates(t *testing.T) {
	// Not parallel: it counts the allocations of the process.
	for _, streams := range []int{0, 1, 100} {
		b := NewBroker(BrokerOptions{TopicBytes: 1 << 20})
		open := make([]realtime.Stream, streams)
		for i := range open {
			open[i] = follow(t, b, time.Now())
		}
		m := &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: channel(t, "c"), ID: "1", Data: make([]byte, 200)}}
		done := func(error) {}
		step := func() {
			b.Publish(t.Context(), topic1, m, done)
			for _, s := range open {
				if _, err := s.Receive(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 1000 {
			step() // until chunks have their full size
		}
		// One copy of Data; a 256th of a chunk is rounded away.
		if got := testing.AllocsPerRun(1000, step); got > 1 {
			t.Errorf("%d streams: %.2f allocations a message, want 1", streams, got)
		}
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, streams := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			broker := NewBroker(BrokerOptions{TopicBytes: 1 << 30})
			defer broker.Close(context.Background())
			m := &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: channel(b, "c"), ID: "1", Data: make([]byte, 200)}}
			read := make(chan error)
			for range streams {
				s := follow(b, broker, time.Now())
				go func() {
					left := b.N
					for left > 0 {
						batch, err := s.Receive(b.Context())
						if err != nil {
							read <- err
							return
						}
						left -= len(batch)
					}
					read <- nil
				}()
			}
			b.ReportAllocs()
			for b.Loop() {
				broker.Publish(b.Context(), topic1, m, func(error) {})
			}
			for range streams {
				if err := <-read; err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
