package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/recent"
)

// The bounds of what is remembered, and of what goes on at a time.
const (
	maxConcurrent    = 100  // calls of one hook
	maxTenantCalls   = 200  // of all hooks of a tenant
	maxCalls         = 2000 // of all
	maxStates        = 4096 // hooks and tenants remembered, twice as many at most
	stateMemory      = 10 * time.Minute
	handshakeGood    = time.Hour
	handshakeRefused = 10 * time.Second
)

// hookID names a hook as its tenant's document has it: a changed one is another.
type hookID struct {
	tenant string
	print  [32]byte
}

func idOf(tenant string, h *realtime.Hook) hookID {
	text, _ := json.Marshal(h) // of strings and numbers alone it cannot fail
	return hookID{tenant, sha256.Sum256(text)}
}

// state is what is remembered of a hook.
type state struct {
	shaking chan struct{} // holds the one call that makes the handshake

	mu       sync.Mutex // guards all below
	calls    int        // that go on
	breaker  breaker
	allowed  time.Time // until when the handshake counts
	denied   time.Time // until when its failure counts
	reported time.Time // when a call more than there may be was logged last
}

// states are those of all hooks. It is safe for concurrent use.
type states struct {
	mu      sync.Mutex // guards all below
	hooks   *recent.Map[hookID, *state]
	tenants *recent.Map[string, *int] // calls that go on
	calls   int                       // of all
}

func newStates() *states {
	now := time.Now()
	return &states{hooks: recent.New[hookID, *state](stateMemory, maxStates, now), tenants: recent.New[string, *int](stateMemory, maxStates, now)}
}

// begin counts a call of a hook in, unless there are too many. end has to be called after it.
func (s *states) begin(id hookID, now time.Time) (st *state, end func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, known := s.hooks.Touch(id, now)
	if !known {
		st = &state{shaking: make(chan struct{}, 1)}
		s.hooks.Turn(now)
		s.hooks.Put(id, st)
	}
	tenant, known := s.tenants.Touch(id.tenant, now)
	if !known {
		tenant = new(int)
		s.tenants.Turn(now)
		s.tenants.Put(id.tenant, tenant)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if s.calls >= maxCalls || *tenant >= maxTenantCalls || st.calls >= maxConcurrent {
		return st, nil, false
	}
	s.calls++
	*tenant++
	st.calls++
	return st, func() { s.end(st, tenant) }, true
}

func (s *states) end(st *state, tenant *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.mu.Lock()
	defer st.mu.Unlock()
	s.calls--
	*tenant--
	st.calls--
}

// allow asks the breaker.
func (st *state) allow(now time.Time) (round int, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.breaker.allow(now)
}

// done tells the breaker. A call that was cut from here tells it nothing.
func (st *state) done(round int, failed, cut bool, now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if cut {
		st.breaker.abandon(round)
		return
	}
	st.breaker.done(round, failed, now)
}

// shake makes the handshake unless it has been made lately. One call makes it, and the others wait.
func (st *state) shake(ctx context.Context, make func() error) error {
	select {
	case st.shaking <- struct{}{}:
		defer func() { <-st.shaking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	now := time.Now()
	st.mu.Lock()
	good, refused := now.Before(st.allowed), now.Before(st.denied)
	st.mu.Unlock()
	switch {
	case good:
		return nil
	case refused:
		return errNotAllowed
	}
	err := make()
	st.mu.Lock()
	defer st.mu.Unlock()
	if err == nil {
		st.allowed = time.Now().Add(handshakeGood)
	} else if ctx.Err() == nil {
		st.denied = time.Now().Add(handshakeRefused)
	}
	return err
}
