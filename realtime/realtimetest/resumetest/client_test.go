package resumetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// at is the Position of event n of the stories below.
func at(n int) realtime.Position {
	return realtime.Position{Time: int64(1000 + n), ID: strconv.Itoa(n)}
}

// publishTo tells the checker of events up to n.
func publishTo(k *Checker, c realtime.Channel, n int) {
	for i := 1; i <= n; i++ {
		k.Published(c, strconv.Itoa(i))
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		story func(k *Checker, client *Client, c realtime.Channel)
		want  string
	}{
		{"comes back where it was", func(k *Checker, client *Client, c realtime.Channel) {
			one := client.Open()
			if q := one.Ask(c); !q.Since.IsZero() || !q.AsOf.IsZero() {
				panic(fmt.Sprintf("first question: %+v", q))
			}
			one.Answer(c, false, false, realtime.Position{Time: 1000})
			publishTo(k, c, 9)
			one.Message(c, at(1))
			one.Heartbeat(realtime.Position{Time: 1500})
			one.Message(c, at(2))
			one.Close()
			one.Message(c, at(3)) // too late
			two := client.Open()
			if q := two.Ask(c); q.Since != at(2) || q.AsOf.Time != 1500 {
				panic(fmt.Sprintf("second question: %+v", q))
			}
			two.Heartbeat(realtime.Position{Time: 1900}) // it has not answered
			two.Answer(c, true, false, at(2))
			for i := 3; i <= 9; i++ {
				two.Message(c, at(i))
			}
			two.Close()
			two.Close()
			if q := client.Open().Ask(c); q.Since != at(9) || q.AsOf.Time != 1500 {
				panic(fmt.Sprintf("third question: %+v", q))
			}
		}, "unanswered"},
		{"drops what it has seen", func(k *Checker, client *Client, c realtime.Channel) {
			one := client.Open()
			one.Ask(c)
			publishTo(k, c, 3)
			one.Answer(c, false, false, realtime.Position{Time: 1000})
			for _, n := range []int{1, 2, 2, 1, 3} {
				one.Message(c, at(n))
			}
			if client.Repeated() != 2 || client.Position(c) != at(3) {
				panic(fmt.Sprint(client.Repeated(), client.Position(c)))
			}
		}, ""},
		{"forgets what it has seen", func(k *Checker, client *Client, c realtime.Channel) {
			one := client.Open()
			one.Ask(c)
			publishTo(k, c, 1)
			one.Answer(c, false, false, realtime.Position{Time: 1000})
			one.Message(c, at(1))
			<-time.After(clientMemory)
			one.Message(c, at(1)) // known, and for another 10 minutes
			<-time.After(clientMemory)
			one.Message(c, at(1))
			<-time.After(clientMemory + 1)
			one.Message(c, at(1))
		}, "repeated 1"},
		{"moves from one connection to another", func(k *Checker, client *Client, c realtime.Channel) {
			one, two := client.Open(), client.Open()
			one.Ask(c)
			one.Answer(c, false, false, realtime.Position{Time: 1000})
			publishTo(k, c, 9)
			one.Message(c, at(1))
			two.Ask(c) // since 1
			one.Message(c, at(2))
			one.Message(c, at(3))
			two.Answer(c, true, false, at(1))
			one.Message(c, at(5)) // no longer its source: not judged
			for i := 2; i <= 9; i++ {
				two.Message(c, at(i))
			}
			one.Close() // the claim lives on by the other one
		}, ""},
		{"moves, and the new connection lacks something", func(k *Checker, client *Client, c realtime.Channel) {
			one, two := client.Open(), client.Open()
			one.Ask(c)
			one.Answer(c, false, false, realtime.Position{Time: 1000})
			publishTo(k, c, 9)
			one.Message(c, at(1))
			two.Ask(c)
			one.Message(c, at(2))
			two.Answer(c, true, false, at(1))
			for _, n := range []int{4, 5, 6, 7, 8, 9} {
				two.Message(c, at(n))
			}
		}, "missing 4 -1"},
		{"moves after the old one has told a gap", func(k *Checker, client *Client, c realtime.Channel) {
			one, two := client.Open(), client.Open()
			one.Ask(c)
			one.Answer(c, false, false, realtime.Position{Time: 1000})
			publishTo(k, c, 9)
			one.Message(c, at(1))
			two.Ask(c)
			one.Gap(c, at(4))
			one.Message(c, at(5))
			two.Answer(c, true, false, at(1))
			for i := 2; i <= 9; i++ { // 2 to 4 were told missing
				two.Message(c, at(i))
			}
		}, ""},
		{"moves, and the old connection is answered last", func(k *Checker, client *Client, c realtime.Channel) {
			one, two := client.Open(), client.Open()
			one.Ask(c)
			publishTo(k, c, 9)
			two.Ask(c)
			two.Answer(c, false, false, at(7))
			two.Message(c, at(8))
			one.Message(c, at(3)) // it was to be answered first
			one.Answer(c, false, false, at(3))
			for i := 4; i <= 9; i++ {
				one.Message(c, at(i)) // no longer its source: not judged
			}
			if client.Position(c) != at(8) {
				panic(client.Position(c))
			}
			two.Message(c, at(9))
		}, "early 3"},
		{"moves, the new connection closes, and the old one is answered last, from further back", func(k *Checker, client *Client, c realtime.Channel) {
			one, two := client.Open(), client.Open()
			one.Ask(c)
			publishTo(k, c, 11)
			two.Ask(c)
			two.Answer(c, false, false, at(7))
			two.Message(c, at(8))
			two.Message(c, at(9))
			two.Close()
			one.Answer(c, false, false, at(3)) // it has all that is behind 9
			for _, n := range []int{4, 5, 6, 7, 8, 9, 11} {
				one.Message(c, at(n))
			}
		}, "missing 11 -1"},
		{"moves, the new connection closes, and the old one is answered last, from further on", func(k *Checker, client *Client, c realtime.Channel) {
			one, two := client.Open(), client.Open()
			one.Ask(c)
			publishTo(k, c, 11)
			two.Ask(c)
			two.Answer(c, false, false, at(7))
			two.Message(c, at(8))
			two.Close()
			one.Answer(c, false, false, at(10)) // 9 and 10 are missing
			if client.Position(c) != at(10) || k.Counts().Gaps != 1 {
				panic(fmt.Sprint(client.Position(c), k.Counts().Gaps))
			}
			one.Message(c, at(11))
		}, ""},
		{"a gap in the answer", func(k *Checker, client *Client, c realtime.Channel) {
			one := client.Open()
			one.Ask(c)
			one.Answer(c, false, false, realtime.Position{Time: 1000})
			one.Close()
			publishTo(k, c, 9)
			two := client.Open()
			two.Ask(c)
			two.Answer(c, false, true, at(7))
			if client.Position(c) != at(7) {
				panic(client.Position(c))
			}
			two.Message(c, at(8))
			two.Message(c, at(9))
		}, ""},
		{"a message before the answer of its connection", func(k *Checker, client *Client, c realtime.Channel) {
			one, two := client.Open(), client.Open()
			one.Ask(c)
			one.Answer(c, false, false, realtime.Position{Time: 1000})
			publishTo(k, c, 1)
			two.Ask(c)
			two.Message(c, at(1))
			two.Gap(c, at(1))
			two.Answer(c, true, false, realtime.Position{Time: 1000})
			two.Message(c, at(1))
		}, "early 1, early"},
		{"the connection in use closes", func(k *Checker, client *Client, c realtime.Channel) {
			one := client.Open()
			one.Ask(c)
			one.Answer(c, false, false, realtime.Position{Time: 1000})
			publishTo(k, c, 1)
			one.Close()
		}, ""},
		{"leaves", func(k *Checker, client *Client, c realtime.Channel) {
			one := client.Open()
			one.Ask(c)
			one.Answer(c, false, false, realtime.Position{Time: 1000})
			one.Leave(c)
			publishTo(k, c, 2)
			if q := one.Ask(c); !q.Since.IsZero() {
				panic(q)
			}
			one.Answer(c, false, false, realtime.Position{Time: 1002})
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := NewChecker(CheckerOptions{})
				tt.story(k, NewClient("c1", k), channel(t, "c"))
				k.Finish()
				if diff := cmp.Diff(tt.want, strings.Join(found(k), ", ")); diff != "" {
					t.Errorf("faults (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTap(t *testing.T) {
	t.Parallel()
	k := NewChecker(CheckerOptions{})
	b := k.Tap(memory.NewBroker(memory.BrokerOptions{MessageBytes: 4}))
	defer b.Close(context.Background())
	c := channel(t, "c")
	publish := func(id, data string, done func(error)) {
		m := event(c, id)
		m.Data = []byte(data)
		b.Publish(t.Context(), "t", m, done)
	}
	var first error
	publish("1", "too large", func(err error) {
		first = err
		publish("0", "0", func(error) {}) // from within done
		publish("1", "1", func(error) {})
	})
	publish("2", "2", func(error) {})
	publish("1", "1", func(error) {}) // a second copy
	b.Publish(t.Context(), "t", &realtime.Message{Kind: realtime.KindFence, Publication: realtime.Publication{Channel: c, ID: "f"}}, func(error) {})
	if realtime.CodeOf(first) != realtime.CodeTooLarge {
		t.Errorf("the refusal became %v", first)
	}
	k.Asked("c1", c)
	k.Answer("c1", c, false, false)
	for _, id := range []string{"0", "1", "2"} {
		k.Message("c1", c, id)
	}
	k.Finish()
	if err := k.Err(); err != nil {
		t.Error(err)
	}
	if n := k.Counts().Published; n != 3 {
		t.Errorf("%d published, want 3", n)
	}
}

// TestHandoverLater is a broker that calls done on another goroutine, later.
func TestHandoverLater(t *testing.T) {
	t.Parallel()
	want := errors.New("later")
	got := make(chan error, 2)
	h := &handover{done: func(err error) { got <- err }}
	h.leave()
	h.stored(want)
	if err := <-got; !errors.Is(err, want) || len(got) != 0 {
		t.Errorf("done got %v and %d more", err, len(got))
	}
}

// A client reads a broker through something that stands for a hub, which answers
// and forwards. The checker knows what should come.
func ExampleChecker() {
	ctx := context.Background()
	checker := NewChecker(CheckerOptions{})
	broker := checker.Tap(memory.NewBroker(memory.BrokerOptions{}))
	defer broker.Close(context.Background())
	stream, err := broker.Follow(ctx, "acme", realtime.Following{Instance: "i1", Generation: 1, Since: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	prices, _ := realtime.NewChannel("acme", "prices")

	conn := NewClient("ann", checker).Open()
	conn.Ask(prices)
	conn.Answer(prices, false, false, realtime.Moment(time.Now()))
	for _, id := range []string{"1", "2", "3"} {
		broker.Publish(ctx, "acme", event(prices, id), func(error) {})
	}
	for range 3 {
		batch, err := stream.Receive(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, m := range batch {
			if m.ID != "2" { // which the hub loses
				conn.Message(prices, m.Position())
			}
		}
		if batch[len(batch)-1].ID == "3" {
			break
		}
	}
	checker.Finish()
	for _, f := range checker.Faults() {
		fmt.Println(f.Client, f.Channel, f.Kind, f.Missing, "before", f.ID)
	}
	// Output: ann acme/prices missing 1 before 3
}
