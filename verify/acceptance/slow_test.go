package acceptance

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// calm is the channel of the rounds without a slow reader; the other channels are named
// after their policies.
const calm = "calm"

// slowRig is many readers and a steady stream, whose messages fill a slow reader's queue soon.
type slowRig struct {
	*service
	crowd    *crowd
	producer string
	numbers  map[string]int // sent, by channel
	round    int
	newest   map[string]int // number, by key, of the round
}

const (
	slowMessage = 2 << 10               // bytes of data: a queue of 128 is five seconds of them, so that a busy machine alone fills none
	slowEvery   = 40 * time.Millisecond // between messages
	slowKeys    = 4
)

// send sends messages until enough says so, and waits until everybody has them.
func (r *slowRig) send(channel string, enough func(sent int) bool) (sent int) {
	r.t.Helper()
	tick := time.NewTicker(slowEvery)
	defer tick.Stop()
	before := r.crowd.got.Load()
	r.newest = map[string]int{}
	for ; !enough(sent); sent++ {
		n := r.numbers[channel]
		r.numbers[channel]++
		key := strconv.Itoa(n % slowKeys)
		r.newest[key] = n
		a, err := r.post("acme", r.producer, message(channel, key, r.round, n, time.Since(r.crowd.begun), slowMessage))
		if err != nil || a.Status != 200 {
			r.t.Fatalf("%v %+v", err, a)
		}
		if sent > 400 {
			r.t.Fatalf("%s: %d messages and nothing happens to the slow reader", channel, sent)
		}
		<-tick.C
	}
	r.crowd.await(r.t, "everything of "+channel, before+int64(sent*len(r.crowd.members)))
	r.round++
	return sent
}

// drops is the metric of messages that were given up for a reason.
func (r *slowRig) drops(reason string) int {
	return int(r.metric("tidewire_drops_total", `reason="`+reason+`",tenant="acme"`))
}

// One reader among many, with make soak a thousand, stops reading. The others lose nothing and are not delayed, and the one
// gets the policy of its channel.
func TestOneSlowReaderAmongMany(t *testing.T) {
	policies := []realtime.Overflow{realtime.OverflowDisconnect, realtime.OverflowConflate, realtime.OverflowDropOldest}
	channels, rules := []string{calm}, map[string]realtime.Namespace{}
	for _, p := range policies {
		channels = append(channels, string(p))
		rules[string(p)] = realtime.Namespace{Overflow: p}
	}
	// The queue is what is judged here, however long it takes to fill: not the patience of the writer.
	s := start(t, setup{sends: 4 << 10, gateway: gateway.Options{WriteTimeout: time.Hour}, tenants: []*realtime.Tenant{tenant("acme", func(t *realtime.Tenant) {
		t.Namespaces = rules
		t.Limits.QueueMessages, t.Limits.QueueBytes = 128, 512<<10
	})}})
	r := &slowRig{service: s, producer: s.token("acme", "producer"), numbers: map[string]int{}}
	r.crowd = &crowd{t: t, begun: time.Now()}
	many := 249                              // one that holds the others up holds up as few
	if os.Getenv("TIDEWIRE_SOCKETS") != "" { // make soak
		many = 999
	}
	others, readers := affordable(t, many, 2), s.token("acme", "reader")
	for range others {
		r.crowd.join(s.addr, dialing{token: readers}, channels, 2*len(policies)+1)
	}
	t.Cleanup(r.crowd.leave)

	const rest = 15 // messages of a round without a slow reader
	r.send(calm, func(sent int) bool { return sent == rest })
	for _, p := range policies {
		t.Run(string(p), func(t *testing.T) {
			r.t = t
			slow, err := dial(t.Context(), s.addr, dialing{token: s.token("acme", "slow"), receives: 4 << 10})
			if err != nil {
				t.Fatal(err)
			}
			defer slow.conn.Close()
			slow.subscribe(t, string(p))
			first := r.numbers[string(p)]
			switch p {
			case realtime.OverflowDisconnect:
				sent := r.send(string(p), func(int) bool { return r.drops("too-slow") > 0 })
				r.disconnected(slow, first, sent)
			case realtime.OverflowConflate:
				sent := r.send(string(p), func(sent int) bool { return r.drops("conflate") >= 10 && sent%slowKeys == 0 })
				r.conflated(slow, first, sent)
			default:
				sent := r.send(string(p), func(int) bool { return r.drops("drop-oldest") >= 10 })
				r.dropped(slow, first, sent)
			}
		})
		r.t = t
		r.send(calm, func(sent int) bool { return sent == rest })
	}
	r.crowd.leave()
	for i, m := range r.crowd.members {
		for _, ch := range channels {
			if m.expected[ch] != r.numbers[ch] {
				t.Errorf("reader %d has %d of %d messages of %s; it ended with %v", i, m.expected[ch], r.numbers[ch], ch, m.failed)
			}
		}
	}
	r.compare(policies)
}

// compare shows the latencies of rounds with a slow reader beside those of the rounds before and after. What a
// busy machine does to both is no matter of this test: a reader that held others up would do so until
// the writer's patience ends, and await would tell.
func (r *slowRig) compare(policies []realtime.Overflow) {
	for i, p := range policies {
		with, calmer := r.crowd.of(2*i+1), append(r.crowd.of(2*i), r.crowd.of(2*i+2)...)
		slices.Sort(calmer)
		for _, at := range []int{50, 99} {
			a, b := percentile(with, at), percentile(calmer, at)
			r.t.Logf("%-11s p%d %8s with the slow reader, %8s without: ratio %.2f of %d and %d deliveries", p, at,
				a.Round(10*time.Microsecond), b.Round(10*time.Microsecond), float64(a)/float64(b), len(with), len(calmer))
		}
	}
}

// messagesOf reads what the slow reader is given, now that it reads again, until it
// was given up to the number last, or closed. drops are those it was told of.
func messagesOf(t *testing.T, c *client, last int) (numbers []int, told int, position string, end int) {
	t.Helper()
	for {
		f, err := c.next()
		if over := (*closed)(nil); errors.As(err, &over) {
			return numbers, told, position, over.code
		}
		if err != nil {
			t.Fatalf("%v after %d messages", err, len(numbers))
		}
		switch f.Type {
		case wire.TypeNotice:
			told += f.Count
		case wire.TypeError:
			if f.Code != realtime.CodeTooSlow {
				t.Errorf("told %+v", f)
			}
		case wire.TypeMessage:
			var data [4]any
			if err := json.Unmarshal(f.Data, &data); err != nil {
				t.Fatal(err)
			}
			numbers, position = append(numbers, int(data[1].(float64))), f.Position
			if numbers[len(numbers)-1] == last {
				return numbers, told, position, 0
			}
		}
	}
}

// disconnected: the reader is told, closed, and resumes without a hole.
func (r *slowRig) disconnected(slow *client, first, sent int) {
	t := r.t
	t.Helper()
	numbers, told, position, code := messagesOf(t, slow, -1)
	if code != 4503 || told != 0 {
		t.Errorf("closed with %d, told of %d drops", code, told)
	}
	await(t, "the disconnect to be counted", func() bool {
		return r.metric("tidewire_disconnects_total", `reason="too-slow",tenant="acme"`) == 1
	})
	again := r.connect(t, "acme", "slow")
	if err := again.say(`{"type":"subscribe","id":1,"channel":"disconnect","since":` + quote(position) + `}`); err != nil {
		t.Fatal(err)
	}
	if f := again.answer(t, "1"); !f.Resumed || f.Gap {
		t.Errorf("not resumed: %+v", f)
	}
	rest, _, _, _ := messagesOf(t, again, first+sent-1)
	for i, n := range append(numbers, rest...) {
		if n != first+i {
			t.Fatalf("%d came in the place of %d", n, first+i)
		}
	}
	t.Logf("closed after %d of %d messages, resumed with %d", len(numbers), sent, len(rest))
}

// conflated: the reader has the newest of each key, and stays.
func (r *slowRig) conflated(slow *client, first, sent int) {
	t := r.t
	t.Helper()
	numbers, told, _, code := messagesOf(t, slow, first+sent-1)
	newest := map[string]int{}
	for _, n := range numbers {
		newest[strconv.Itoa(n%slowKeys)] = n
	}
	for key, n := range r.newest {
		if newest[key] != n {
			t.Errorf("of key %s it has %d, the newest is %d", key, newest[key], n)
		}
	}
	lost := r.drops("conflate")
	if code != 0 || told != 0 || len(numbers)+lost != sent || !slices.IsSorted(numbers) {
		t.Errorf("%d messages and %d conflated of %d, %d told, closed with %d", len(numbers), lost, sent, told, code)
	}
	t.Logf("%d messages, %d conflated", len(numbers), lost)
}

// dropped: the reader is told how many it did not get, and stays.
func (r *slowRig) dropped(slow *client, first, sent int) {
	t := r.t
	t.Helper()
	numbers, told, _, code := messagesOf(t, slow, first+sent-1)
	lost := r.drops("drop-oldest")
	if code != 0 || told != lost || len(numbers)+lost != sent || !slices.IsSorted(numbers) {
		t.Errorf("%d messages and %d dropped of %d, %d told, closed with %d", len(numbers), lost, sent, told, code)
	}
	t.Logf("%d messages, told of %d dropped", len(numbers), told)
}
