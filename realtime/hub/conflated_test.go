package hub_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/internal/trial"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// counted has what was counted, by counter and reason.
type counted struct {
	realtime.NoMetrics
	mu sync.Mutex // guards n
	n  map[string]int
}

func (c *counted) Add(of realtime.Counter, _ string, reason realtime.Reason, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[string(of)+" "+string(reason)] += n
}

func (c *counted) of(of realtime.Counter, reason realtime.Reason) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[string(of)+" "+string(reason)]
}

// Whatever is published is delivered to each reader or counted as conflated, once, however readers are held up: by their rate, by a pause, or because they do
// not keep up. Each notice tuned is counted.
func TestConflatedAreCounted(t *testing.T) {
	t.Parallel()
	for seed := range 10 * trial.Scale(t) {
		for _, by := range []string{"rate", "pause", "slow state"} {
			synctest.Test(t, func(t *testing.T) { countConflated(t, uint64(trial.Seed(t)+seed), by) }) //nolint:gosec // a seed
		}
	}
}

func countConflated(t *testing.T, seed uint64, by string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	durable, counts := false, &counted{n: map[string]int{}}
	tenant := &realtime.Tenant{ID: "acme", Version: 1, Namespaces: map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &durable}}}}
	broker := memory.NewBroker(memory.BrokerOptions{})
	h := hub.New(broker, hub.Options{Instance: "i1", Payload: wire.Compact, Metrics: counts})
	one := &page{t: t, box: outbox.New(wire.Encoder{}, nil)}
	one.box.LimitReplays(2000)
	conn, err := h.Connect(tenant, &realtime.Principal{Tenant: "acme", User: "ann", Expires: time.Now().Add(time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}}}, one.box, one)
	if err != nil {
		t.Fatal(err)
	}
	one.conn = conn
	c, err := realtime.NewChannel("acme", "fleet:eu")
	if err != nil {
		t.Fatal(err)
	}
	want := hub.Want{MaxRate: map[string]float64{"rate": 5}[by], Paused: by == "pause"}
	if err := h.Subscribe(conn, hub.SubscribeRequest{ID: "1", Channel: c, State: by != "rate", Want: want}); err != nil {
		t.Fatal(err)
	}
	pause := func(paused bool) {
		want.Paused = paused
		if _, err := conn.Tune(c, "", func(hub.Want) (hub.Want, error) { return want, nil }); err != nil {
			t.Fatal(err)
		}
	}
	pub, n, told, tuned := publish.New(broker, publish.Options{}), 0, 0, 0
	read := func() {
		synctest.Wait()
		for _, f := range one.take() {
			switch {
			case f.Type == wire.TypeMessage:
				told++
			case f.Type == wire.TypeChanges:
				told += len(f.Entries)
			case f.Code == wire.NoticeTuned:
				tuned++
			}
		}
	}
	stuck := func(is bool) {
		one.mu.Lock()
		one.stuck = is
		one.mu.Unlock()
		one.Flush()
	}
	if by == "pause" { // it is given the state before anything is published
		pause(false)
	}
	synctest.Wait()
	for range 300 {
		for range rng.IntN(8) {
			n++
			p := realtime.Publication{Channel: c, ID: fmt.Sprint(n), Key: fmt.Sprint("k", rng.IntN(30)), Data: []byte(`"0123456789012345678901234567890123456789"`)}
			if err := pub.Publish(context.Background(), tenant, []realtime.Publication{p}); err != nil {
				t.Fatal(err)
			}
		}
		switch is := rng.IntN(3) > 0; by {
		case "pause":
			pause(is)
		default:
			if rng.IntN(4) == 0 {
				stuck(is)
			}
		}
		time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
		read()
	}
	if stuck(false); by == "pause" {
		pause(false)
	}
	time.Sleep(10 * time.Second)
	read()
	conflated := map[realtime.Reason]int{realtime.ReasonRate: counts.of(realtime.CountConflated, realtime.ReasonRate), realtime.ReasonSlow: counts.of(realtime.CountConflated, realtime.ReasonSlow)}
	if got := told + conflated[realtime.ReasonRate] + conflated[realtime.ReasonSlow]; got != n {
		t.Errorf("%s %d: of %d published, %d were told and %v counted as conflated", by, seed, n, told, conflated)
	}
	of, other := realtime.ReasonRate, realtime.ReasonSlow
	if by == "slow state" {
		of, other = other, of
	}
	if conflated[of] < 100 || conflated[other] > 0 {
		t.Errorf("%s %d: conflated are %v", by, seed, conflated)
	}
	if got := counts.of(realtime.CountTuned, realtime.ReasonSlow); got != tuned || by == "rate" && tuned == 0 {
		t.Errorf("%s %d: %d notices tuned, %d counted", by, seed, tuned, got)
	}
	given, skipped := counts.of(realtime.CountFlushes, realtime.ReasonGiven), counts.of(realtime.CountFlushes, realtime.ReasonSkipped)
	if by == "rate" && (given == 0 || given > told || skipped < 3*tuned/2) || by != "rate" && given+skipped > 0 {
		t.Errorf("%s %d: %d flushes were given, %d skipped, %d told, %d tuned", by, seed, given, skipped, told, tuned)
	}
	h.Disconnect(conn)
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := broker.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
