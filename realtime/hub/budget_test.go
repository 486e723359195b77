package hub

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/budget"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// budgeted is a topic whose Hub has a Budget.
func budgeted(tb testing.TB, shared *budget.Budget) *topicBench {
	b := newTopicBench(tb)
	b.hub.o.Budget = shared
	b.hub.mu.Lock()
	b.hub.feeds[b.feed.topic] = b.feed
	b.hub.mu.Unlock()
	tb.Cleanup(func() {
		b.hub.mu.Lock()
		delete(b.hub.feeds, b.feed.topic)
		b.hub.mu.Unlock()
	})
	return b
}

// at hands in an event of some seconds ago.
func (b *topicBench) at(name realtime.Channel, ago time.Duration, bytes int) {
	b.sent++
	b.g.burst([]realtime.Message{{Kind: realtime.KindPublication, Publication: realtime.Publication{
		Channel: name, ID: fmt.Sprint(b.sent), Data: make([]byte, bytes), Time: b.now.Add(-ago),
	}}}, nil)
}

// fill gives 20 tenants events, one each in turn and in every second of some minutes.
func (b *topicBench) fill(seconds int) (names []realtime.Channel) {
	for i := range 20 {
		id := fmt.Sprintf("t%d", i)
		b.serve(&realtime.Tenant{ID: id, Namespaces: map[string]realtime.Namespace{"*": {WindowFor: realtime.Duration(10 * time.Minute)}}})
		name, err := realtime.NewChannel(id, "c")
		if err != nil {
			b.tb.Fatal(err)
		}
		b.g.channels.Open(name).Record().Make(b.now.Add(-10 * time.Minute).UnixMilli()) // what comes is older than now, and not late
		names = append(names, name)
	}
	for s := seconds; s > 0; s-- {
		for _, name := range names {
			b.at(name, time.Duration(s)*time.Second, 100)
		}
	}
	return names
}

// When memory is short the oldest records go first, whichever tenant has them, and no more than has to.
func TestBudgetTakesTheOldestOfAllTenants(t *testing.T) {
	t.Parallel()
	const room = 4 << 20
	inUse, round := int64(0), uint64(0)
	shared := budget.Measured(room, func() (int64, uint64) { round++; return inUse, round })
	b := budgeted(t, shared)
	names := b.fill(300)
	busy := names[0] // it has more than the others, all of it new
	for range 500 {
		b.at(busy, 100*time.Millisecond, 100)
	}
	used := shared.Records()
	inUse = room + used/2
	shared.MakeRoom(time.Now(), keeper{b.hub}, b.hub.log)
	left := shared.Records()
	if least := used/2 - room/8; left > used/2 || left < least {
		t.Errorf("of %d bytes %d are left, want %d to %d", used, left, least, used/2)
	}
	first := b.g.channels.Get(names[1]).Record().At(0).At.Time
	for _, name := range names {
		if at := b.g.channels.Get(name).Record().At(0).At.Time; at/1000 != first/1000 {
			t.Errorf("%v begins at %d, another one at %d", name, at, first)
		}
	}
	if n := b.g.channels.Get(busy).Record().Len(); n < 500 {
		t.Errorf("of what is newest %d of 500 are left", n)
	}
	// Nobody is told that nothing is missing.
	if b.g.channels.Get(names[1]).Record().CompleteSince(b.now.Add(-299 * time.Second).UnixMilli()) {
		t.Error("a record that was given up claims to be complete")
	}
}

// However much comes between two looks, records stay about what they may be.
func TestBudgetHoldsWhileNobodyLooks(t *testing.T) {
	t.Parallel()
	const room = 1 << 20
	b := budgeted(t, budget.New(room))
	names := b.fill(1)
	for i := range 20_000 {
		b.at(names[i%len(names)], 0, 200)
		if used := b.hub.o.Budget.Records(); used > room+1000 {
			t.Fatalf("after %d events %d bytes of %d", i, used, room)
		}
	}
}

// What is let go is given back: a generation that was replaced, and a topic.
func TestBudgetIsGivenBack(t *testing.T) {
	t.Parallel()
	b := budgeted(t, budget.New(1<<30))
	names := b.fill(10)
	b.subscribe(b.connect("t0", "ann"), names[0])
	b.followAnew("pulse")
	next := b.feed.next
	b.g = next
	for _, name := range names {
		b.at(name, time.Second, 100) // put aside
	}
	b.returnFences(next)
	b.settled()
	if b.feed.current != next {
		t.Fatal("the readers have not moved")
	}
	said := func() (n int64) {
		for i := range 20 {
			n += int64(next.channels.Records().Quota(fmt.Sprintf("t%d", i)).Used())
		}
		return n
	}
	for range 1000 {
		if b.hub.o.Budget.Records() == said() {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if got := b.hub.o.Budget.Records(); got != said() {
		t.Errorf("%d bytes are counted, the records say %d", got, said())
	}
	b.feed.stop()
	b.feed.stop() // as Drain and Close do
	if got := b.hub.o.Budget.Records(); got != 0 {
		t.Errorf("%d bytes are counted of a topic that was let go", got)
	}
	for s := range time.Duration(20) {
		if n := b.hub.o.Budget.Published(b.now.Add(10*time.Second - s*time.Second)); n != 0 {
			t.Errorf("%d bytes of second %d are left", n, s)
		}
	}
}

// When no records are left, the slowest clients are closed, and new ones are refused until there is room.
func TestBudgetClosesTheSlowest(t *testing.T) {
	t.Parallel()
	const room = 1 << 20
	inUse, round := int64(0), uint64(0)
	shared := budget.Measured(room, func() (int64, uint64) { round++; return inUse, round })
	b := budgeted(t, shared)
	b.serve(&realtime.Tenant{ID: "acme"})
	makeRoom := func() { shared.MakeRoom(time.Now(), keeper{b.hub}, b.hub.log) }
	var closed []*Connection
	slow := func(bytes int) *Connection {
		c := b.connect("acme", "ann")
		c.transport = shutTeller{func() { closed = append(closed, c) }}
		for range bytes / 1000 {
			c.client.Box.Push(&outbox.Delivery{Frame: plainFrame(make([]byte, 1000)), Policy: realtime.OverflowDisconnect})
		}
		return c
	}
	some, most := slow(100_000), slow(400_000)
	slow(1000)
	makeRoom()
	if len(closed) > 0 || shared.Connect("x") != nil {
		t.Fatal("nothing is short")
	}
	inUse = room + 100_000
	makeRoom()
	if len(closed) != 1 || closed[0] != most {
		t.Errorf("%d are closed, want the slowest", len(closed))
	}
	if err := shared.Connect("x"); err != nil {
		t.Errorf("there will be room: %v", err)
	}
	inUse = 2 * room
	makeRoom()
	if len(closed) != 2 || closed[1] != some {
		t.Errorf("%d are closed, want the second slowest too", len(closed))
	}
	if err := shared.Connect("x"); realtime.CodeOf(err) != realtime.CodeUnavailable || err.RetryAfter <= 0 {
		t.Errorf("a connection is let in: %v", err)
	}
	inUse = 0
	makeRoom()
	if err := shared.Connect("x"); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}

// shutTeller is a transport that tells when it is shut.
type shutTeller struct{ shut func() }

func (shutTeller) Flush()                 {}
func (shutTeller) Beat(time.Time) bool    { return true }
func (c shutTeller) Shut(*realtime.Error) { c.shut() }
