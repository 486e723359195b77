package gateway_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A publish that was on its way when an earlier one was refused may come at any time after that. It must not be taken
// before the client has shown that it knows of the refusal.
func TestPublishComesLongAfterARefusal(t *testing.T) {
	t.Parallel()
	fail := false
	lateUplink(t, realtime.Limits{}, gateway.HookFuncs{OnPublish: func(context.Context, *gateway.Client, *realtime.Publication) error {
		if fail {
			return &realtime.Error{Code: realtime.CodeUnavailable, Message: "not today"}
		}
		return nil
	}}, func(u *uplink) {
		pub := func(id string, seen int) string {
			return fmt.Sprintf(`{"type":"publish","id":%q,"channel":"a:1","refusals":%d,"data":%q}`, id, seen, id)
		}
		answers := func(frames ...string) []wire.ServerFrame {
			u.v.send(frames...)
			synctest.Wait()
			return u.answers()
		}
		fail = true
		a := answers(pub("A", 0))
		fail = false
		if len(a) != 1 || a[0].Code != realtime.CodeUnavailable || a[0].Refusals != 1 {
			t.Fatalf("A: %+v", a)
		}
		time.Sleep(time.Hour)
		b := answers(pub("B", 0), `{"type":"publish","id":"old","channel":"a:2","refusals":0,"data":1}`)
		if len(b) != 2 || b[0].Code != realtime.CodeUnavailable || b[0].Refusals != 2 || b[0].RetryAfterMs == 0 || b[1].Type != wire.TypeOK {
			t.Fatalf("B, an hour late, and one of another channel: %+v", b)
		}
		if c := answers(pub("A", 1)); c[0].Refusals != 3 {
			t.Fatalf("A again, sent before its client knew of B: %+v", c)
		}
		for _, d := range answers(pub("A", 3), pub("B", 3), pub("C", 3)) {
			if d.Type != wire.TypeOK {
				t.Fatalf("again, all known: %+v", d)
			}
		}
	})
}

// However late an uplink is, whatever is refused for whatever reason: the publishes of each channel are stored in the order of
// the calls, by a client that keeps the protocol's rule, and also by one that does not wait for what is under way.
func TestLateUplinkKeepsTheOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 3))
			limits := realtime.Limits{}
			if seed%3 == 0 {
				limits.PublishesPerSecond = 5
			}
			fails := []int{0, 3, 10}[seed/3%3]
			chance := rand.New(rand.NewPCG(seed, 4)) // one connection publishes, so hooks run one by one
			hooks := gateway.HookFuncs{OnPublish: func(context.Context, *gateway.Client, *realtime.Publication) error {
				time.Sleep(time.Duration(chance.IntN(20)) * time.Millisecond)
				switch n := chance.IntN(200); {
				case n < fails:
					return &realtime.Error{Code: realtime.CodeUnavailable, Message: "not today"}
				case n < 2*fails:
					return &realtime.Error{Code: realtime.CodeLimited, Limit: "own", Message: "slower", RetryAfter: time.Duration(n) * 50 * time.Millisecond}
				}
				return nil
			}}
			lateUplink(t, limits, hooks, func(u *uplink) {
				u.rng, u.latest, u.hasty = rng, time.Duration(1+rng.IntN(8))*time.Second, seed%2 == 1
				const calls = 150
				channels := 1 + rng.IntN(20) // also more than are refused each for itself
				for i := range calls {
					u.calls = append(u.calls, &publishCall{n: i, channel: fmt.Sprintf("a:%d", rng.IntN(channels)), at: time.Now().Add(time.Duration(rng.IntN(10_000)) * time.Millisecond)})
				}
				slices.SortFunc(u.calls, func(a, b *publishCall) int { return a.at.Compare(b.at) })
				for i, c := range u.calls {
					c.n = i
				}
				within := time.Hour
				if u.hasty {
					within = 20 * time.Second
				}
				for start := time.Now(); u.step() && time.Since(start) < within; {
					time.Sleep(20 * time.Millisecond)
				}
				time.Sleep(time.Second)
				last, n := map[string]int{}, 0
				for _, m := range u.stored() {
					if i := m.n; i < last[m.channel] {
						t.Errorf("%s: %d after %d", m.channel, i, last[m.channel])
					}
					last[m.channel] = m.n
					n++
				}
				if n != calls && !u.hasty { // that one may never come to an end
					t.Errorf("%d were stored, %d were asked for", n, calls)
				}
			})
		})
	}
}

type publishCall struct {
	n       int
	channel string
	at      time.Time // not before
	sent    bool      // and unanswered
	seen    int64     // what it showed then
	done    bool
}

// uplink is a client whose frames come late, in their order, and which sends refused ones again as protocol.md says.
type uplink struct {
	t      *testing.T
	v      *bubbleClient
	rng    *rand.Rand
	latest time.Duration // that a frame may take
	hasty  bool          // it sends again without waiting for what is under way

	calls    []*publishCall
	refusals int64
	heard    int // frames of v that were handled
	wire     []lateFrame
}

type lateFrame struct {
	text string
	at   time.Time
}

type stored struct {
	channel string
	n       int
}

func lateUplink(t *testing.T, limits realtime.Limits, hooks gateway.Hooks, test func(*uplink)) {
	doc := much()
	if limits.PublishesPerSecond > 0 {
		doc.Limits.PublishesPerSecond = limits.PublishesPerSecond
	}
	tenants, err := memory.NewTenants(doc)
	if err != nil {
		t.Fatal(err)
	}
	token := longLived(t, doc, "ann")
	inBubble(t, gateway.Options{Tenants: tenants, Hooks: hooks}, func(b *bubbleGateway) {
		u := &uplink{t: t}
		subscriptions := ""
		for i := range 20 {
			subscriptions += fmt.Sprintf(`,{"channel":"a:%d"}`, i)
		}
		u.v = b.socket(http.Header{"Sec-Websocket-Protocol": {wire.Subprotocol + ", bearer." + token}}, "", `{"type":"connect","subscriptions":[`+subscriptions[1:]+`]}`)
		synctest.Wait()
		u.heard = 21
		test(u)
	})
}

// answers takes those to publishes that have come since the last call.
func (u *uplink) answers() (all []wire.ServerFrame) {
	u.v.mu.Lock()
	defer u.v.mu.Unlock()
	for _, f := range u.v.frames[u.heard:] {
		if f.ID != "" {
			all = append(all, f)
		}
	}
	u.heard = len(u.v.frames)
	if u.v.over {
		u.t.Fatalf("closed: %+v", u.v.frames[len(u.v.frames)-1])
	}
	return all
}

// stored is what a reader has got.
func (u *uplink) stored() (all []stored) {
	u.v.mu.Lock()
	defer u.v.mu.Unlock()
	for _, f := range u.v.frames {
		if f.Type == wire.TypeMessage {
			n, err := strconv.Atoi(string(f.Data))
			if err != nil {
				u.t.Fatal(err)
			}
			all = append(all, stored{f.Channel, n})
		}
	}
	return all
}

// step handles the answers that have come, sends what may go, and reports whether anything is left to do.
func (u *uplink) step() bool {
	now := time.Now()
	for _, f := range u.answers() {
		n, err := strconv.Atoi(string(f.ID))
		if err != nil {
			u.t.Fatalf("%+v", f)
		}
		c := u.calls[n]
		c.sent, c.done = false, f.Type == wire.TypeOK
		if !c.done {
			u.refusals = max(u.refusals, f.Refusals)
			c.at = now.Add(time.Duration(f.RetryAfterMs) * time.Millisecond)
		}
	}
	stale := slices.ContainsFunc(u.calls, func(c *publishCall) bool { return c.sent && c.seen < u.refusals })
	held, left := map[string]bool{}, false
	for _, c := range u.calls {
		left = left || !c.done
		if !c.done && !c.sent && !held[c.channel] && !c.at.After(now) && (u.hasty || !stale) {
			c.sent, c.seen = true, u.refusals
			late := lateFrame{fmt.Sprintf(`{"type":"publish","id":%d,"channel":%q,"refusals":%d,"data":%d}`, c.n, c.channel, c.seen, c.n), now}
			if late.at = now.Add(time.Duration(u.rng.Int64N(int64(u.latest)))); len(u.wire) > 0 {
				late.at = latest(late.at, u.wire[len(u.wire)-1].at)
			}
			u.wire = append(u.wire, late)
		}
		if !c.done && !c.sent {
			held[c.channel] = true
		}
	}
	for len(u.wire) > 0 && !u.wire[0].at.After(now) {
		u.v.send(u.wire[0].text)
		u.wire = u.wire[1:]
	}
	return left
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
