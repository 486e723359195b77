package state

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/channel"
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
	s.loading, s.loaded, s.failed = false, err == nil, nil
	if err == nil {
		if s.stored = cp.Watermark; !s.stored.Before(s.doubted) {
			s.doubted = time.Time{}
		}
	} else {
		ss.o.Log.Warn("a state could not be loaded", realtime.KeyTenant, c.Tenant(), realtime.KeyChannel, c.Name(), realtime.KeyError, err)
		s.failed = &realtime.Error{Code: realtime.CodeUnavailable, Message: "state: what is stored of it cannot be read at the moment", RetryAfter: 5 * time.Second, Err: err}
	}
	waiting := s.waiting
	s.waiting = nil
	o.Unlock()
	for _, q := range waiting {
		o.Ask(q)
	}
}

// overlay puts what is stored where nothing newer has come, and removes what the store knows to be gone, a part in each hold of the lock.
func (ss *Set) overlay(s *state, cp *realtime.Checkpoint) {
	for entries := cp.Entries; len(entries) > 0; {
		n := min(len(entries), channel.MostSteps)
		ss.locked(func() {
			for i := range n {
				s.Load(&entries[i], time.Now())
			}
		})
		entries = entries[n:]
	}
	if cp.Watermark.IsZero() {
		return
	}
	keys := make(map[string]struct{}, len(cp.Entries))
	for i := range cp.Entries {
		keys[cp.Entries[i].Key] = struct{}{}
	}
	has := func(key string) bool { _, has := keys[key]; return has }
	for last, more := uint64(0), true; more; {
		more = false
		ss.locked(func() { last, more = s.Outdated(last, cp.Watermark.UnixMilli(), has, time.Now()) })
	}
}

// locked does something with the lock held, unless nothing is followed any more.
func (ss *Set) locked(do func()) {
	ss.o.Owner.Lock()
	defer ss.o.Owner.Unlock()
	if !ss.o.Owner.Stopped() {
		do()
	}
}
