package channel

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// budgetEvery is how long a reader waits that has spent its bytes and has no rate.
const budgetEvery = 50 * time.Millisecond

// leastChanges is how many bytes are worth a frame.
const leastChanges = 256

// bytesOf is how many bytes a second a reader is given at most; 0 is without bound.
func bytesOf(r *Reader) int64 {
	if r.pace.state {
		return r.m.rules.State.GrantedBytes()
	}
	return 0
}

// later gives a reader the rest when there is a budget for it again.
func (p *pace) later(r *Reader) {
	p.tempo.Wait(time.Now().Add(budgetEvery))
	p.await(r)
}

// giveRound is give for a reader that does not keep up.
func (p *pace) giveRound(r *Reader) bool {
	k, c := p.keyed, r.client
	_, atOnce := outbox.Given(c.Box)
	for {
		if queued, taken := c.Box.Replayed(true); taken < queued {
			return false
		}
		allowed, entries := p.budget.Allows(bytesOf(r)), 0
		if allowed < leastChanges {
			p.later(r)
			return true
		}
		part, before := outbox.Snapshot{Changes: true}, p.cursor.Number
		fits := true
		at, over, whole := p.round.Part(k.Table, &p.cursor, p.sight(), func(st *record.Step) bool {
			if fits = st.Enter(&part, c.Protocol); !fits {
				return false
			}
			entries++
			return len(part.Entries) < min(snapshotBytes, atOnce/2, allowed)
		})
		if !fits {
			p.round.Again()
		}
		p.conflated.Passed(before, p.cursor.Number, entries)
		if over {
			part.Position, r.at = at, at
		}
		if entries > 0 {
			frame := c.Protocol.Snapshot(k.name, &part)
			if frame.IsZero() {
				k.fx.Fail(c)
				return true
			}
			k.fx.Replay(r, frame)
			p.budget.Take(len(frame.Bytes))
			k.metrics.Add(realtime.CountDeliveries, k.name.Tenant(), realtime.NoReason, entries)
		}
		if whole {
			p.round = nil
			p.countConflated(r)
			p.lag(false)
			p.tellDropped(r)
			return true
		}
	}
}
