package hub_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// boundsChannels have records of 100 kB.
const boundsChannels = 2

// What a client makes the server queue for it, and does not read, is bounded in bytes, and shown by the metrics.
// Over the bound it is closed as too slow; what it need not be sent does not bring it there.
func TestWhatWaitsForAClientIsBounded(t *testing.T) {
	t.Parallel()
	const queueBytes, rounds = 128 << 10, 20_000
	grant := func(r *rig, p *page, channel string) {
		r.subscribe(p, channel, r.start(), 0)
	}
	for name, tc := range map[string]struct {
		round  func(r *rig, p *page, n int)
		reads  int // frames a round
		closed bool
	}{
		"subscribe and unsubscribe": {closed: true, round: func(r *rig, p *page, _ int) {
			grant(r, p, "prices:fx")
			r.hub.Unsubscribe(p.conn, r.channel("prices:fx"), "")
		}},
		"the same, reading the answers": {reads: 1, round: func(r *rig, p *page, _ int) {
			grant(r, p, "prices:fx")
			r.hub.Unsubscribe(p.conn, r.channel("prices:fx"), "")
		}},
		"refusals": {closed: true, round: func(_ *rig, p *page, _ int) {
			p.conn.Send(wire.Encoder{}.Error("1", "prices:fx", realtime.Errorf(realtime.CodeForbidden, "no grant")))
		}},
		"pings": {closed: true, round: func(_ *rig, p *page, _ int) { p.conn.SendControl(wire.Encoder{}.Pong("1")) }},
		"many replays at once": {round: func(r *rig, p *page, n int) {
			if n < boundsChannels {
				r.subscribe(p, "prices:"+strconv.Itoa(n), realtime.Moment(time.Now().Add(-4*time.Minute)), 0)
			}
		}},
		"presence": {closed: true, round: func(r *rig, p *page, n int) {
			if n == 0 {
				if err := r.hub.AskPresence(p.conn, r.channel("prices:fx"), true); err != nil {
					r.t.Fatal(err)
				}
			}
			if n > 4000 {
				return
			}
			other := r.connect("user" + strconv.Itoa(n))
			r.subscribe(other, "prices:fx", realtime.Position{}, 0)
			time.Sleep(time.Second)
			r.hub.Disconnect(other.conn)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := acmeTenant()
				tenant.Limits.QueueBytes = queueBytes
				r := newRig(t, tenant)
				for n := range boundsChannels {
					r.fill("prices:"+strconv.Itoa(n), 100, 1000)
				}
				r.fill("prices:fx", 100, 1000)
				p := r.connect("mallory")
				p.stuck = true
				taken := 0
				for n := 0; n < rounds && p.ended() == nil; n++ {
					tc.round(r, p, n)
					for range tc.reads {
						if p.box.Begin() || n > 0 {
							taken += len(p.box.Next(nil, 1))
						}
					}
				}
				time.Sleep(1100 * time.Millisecond)
				synctest.Wait()
				frames, bytes := p.box.Weight()
				if most := queueBytes + outbox.MaxReplayBytes + outbox.MaxControlBytes + 2000; bytes > most {
					t.Errorf("%d frames of %d bytes wait, want at most %d", frames, bytes, most)
				}
				if got := r.metrics.of(realtime.GaugeQueueBytes, "acme"); got != bytes {
					t.Errorf("the metric says %d bytes of %d", got, bytes)
				}
				if err := p.ended(); (err != nil) != tc.closed || err != nil && err.Code != realtime.CodeTooSlow {
					t.Errorf("closed: %v", err)
				}
				waits := 0
				p.box.Begin()
				for _, f := range p.box.Next(nil, 1<<30) {
					waits += len(f)
				}
				if waits > queueBytes+outbox.MaxReplayBytes+outbox.MaxControlBytes {
					t.Errorf("%d bytes waited", waits)
				}
				t.Logf("%d frames taken, %d waited, %d bytes", taken, frames, bytes)
			})
		})
	}
}

// start is a Position that is before all.
func (r *rig) start() realtime.Position { return realtime.Moment(time.Now().Add(-time.Minute)) }

// fill publishes events to a channel that somebody reads, so that it has a record.
func (r *rig) fill(channel string, n, size int) {
	r.t.Helper()
	reader := r.connect("reader")
	r.subscribe(reader, channel, realtime.Position{}, 0)
	time.Sleep(2 * time.Minute) // until the record is complete since some time
	data := make([]byte, size)
	for i := range data {
		data[i] = '1'
	}
	for range n {
		pubs := []realtime.Publication{{Channel: r.channel(channel), Data: data}}
		if err := r.pub.Publish(r.t.Context(), r.tenant, pubs); err != nil {
			r.t.Fatal(err)
		}
	}
	synctest.Wait()
	r.hub.Disconnect(reader.conn)
}
