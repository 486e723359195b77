package state

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// load has a state loaded.
func (ss *Set) load(c realtime.Channel, s *state) {
	if s.loading {
		return
	}
	s.loading, s.tried, s.failed = true, time.Now(), nil
	ss.o.Owner.Go(func() {
		cp, err := ss.checkpoint(c)
		ss.loaded(c, s, cp, err)
	})
}

// loadingTakes bounds the reading of a checkpoint.
const loadingTakes = 10 * time.Second

func (ss *Set) checkpoint(c realtime.Channel) (*realtime.Checkpoint, error) {
	if ss.o.Store == nil { // the rules have changed meanwhile
		return nil, NoStore()
	}
	ctx, cancel := context.WithTimeout(ss.o.Life, loadingTakes)
	defer cancel()
	return ss.o.Store.Checkpoint(ctx, ss.o.Topic, c)
}

// loaded lays what has come over what is stored, and puts the questions that have waited for it.
func (ss *Set) loaded(c realtime.Channel, s *state, cp *realtime.Checkpoint, err error) {
	o := ss.o.Owner
	if err == nil {
		if fault := contain.Do(ss.o.Log, ss.o.Metrics, contain.Channel, func() { ss.overlay(s, cp) }, realtime.KeyTenant, c.Tenant(), realtime.KeyChannel, c.Name()); fault != nil {
			err = fault
		}
	}
	o.Lock()
	s.loading, s.failed = false, nil
	if err == nil {
		s.stored = cp.Watermark
		s.whole = s.whole || ss.reaches(cp.Watermark, ss.from(s))
	} else {
		ss.o.Log.Warn("a state could not be loaded", realtime.KeyTenant, c.Tenant(), realtime.KeyChannel, c.Name(), realtime.KeyError, err)
		s.failed = &realtime.Error{Code: realtime.CodeUnavailable, Message: "state: what is stored of it cannot be read at the moment", RetryAfter: 5 * time.Second, Err: err}
	}
	if !doubtful(ss, s) {
		channel.Trusted(s.Keyed)
	}
	waiting := s.waiting
	s.waiting = nil
	o.Unlock()
	for _, q := range waiting {
		o.Ask(q)
	}
}

// reaches reports whether a checkpoint has everything of before a moment, in ms, from which on all that came is known.
func (ss *Set) reaches(watermark time.Time, from int64) bool {
	return watermark.UnixMilli() >= from+ss.o.Margin.Milliseconds()
}

// overlay puts what is stored where nothing newer has come, and removes what the store knows to be gone, a part in each hold of the lock. What
// came from the moment on from which all is known the log itself says. A checkpoint that does not reach that is of no use.
func (ss *Set) overlay(s *state, cp *realtime.Checkpoint) {
	useful, before, now := false, int64(0), time.Now()
	ss.locked(func() {
		from := ss.from(s)
		useful = ss.reaches(cp.Watermark, max(from, record.Forgotten(s.Table))) // or it may bring back what was removed since
		before = min(from+ss.o.Skew.Milliseconds(), cp.Watermark.UnixMilli())
	})
	if !useful {
		cp.Watermark = time.Time{}
		return
	}
	keys := make(map[string]struct{}, len(cp.Entries))
	for entries := cp.Entries; len(entries) > 0; {
		n := min(len(entries), channel.MostSteps)
		ss.locked(func() {
			for i := range n {
				if s.Load(&entries[i], before, now) {
					keys[entries[i].Key] = struct{}{}
				}
			}
		})
		entries = entries[n:]
	}
	has := func(key string) bool { _, has := keys[key]; return has }
	for last, more := uint64(0), true; more; {
		more = false
		ss.locked(func() { last, more = s.Outdated(last, before, has, time.Now()) })
	}
	ss.locked(func() { s.Settle(cp.Watermark.Add(-ss.o.Margin).UnixMilli(), has, time.Now()) })
}

// locked does something with the lock held, unless nothing is followed any more.
func (ss *Set) locked(do func()) {
	ss.o.Owner.Lock()
	defer ss.o.Owner.Unlock()
	if !ss.o.Owner.Stopped() {
		do()
	}
}
