package state

import (
	"context"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// Attempt is a Publication with a Condition that is published here. What has become of it is known when it has come back, in the order of the log.
type Attempt struct {
	set     *Set
	state   *state
	id      string
	outcome chan realtime.Outcome // holds it once it is known
}

// preparing is how long Try waits for what it needs.
const preparing = 10 * time.Second

// Try fills in what is known of the key of a Publication, so that every instance can decide about its Condition. It waits for that, for a while: the
// channel may not have been heard from its beginning yet, and its checkpoint is still to be loaded. heard returns the moment, in ms, before
// which everything of the channel has come; 0 if that is not known yet. It is called with the lock held.
//
// A Publication without an ID is given one. The Attempt is to be ended. An error has code CodeUnavailable, and says when to try again, or CodeBadRequest
// if the namespace keeps no state.
func (ss *Set) Try(ctx context.Context, p *realtime.Publication, heard func() int64) (*Attempt, error) {
	if p.ID == "" {
		p.ID = uid.New()
	}
	late := time.NewTimer(preparing)
	defer late.Stop()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		a, err := try(ss, p, heard)
		if err == nil || realtime.CodeOf(err) != realtime.CodeUnavailable {
			return a, err
		}
		select {
		case <-time.After(wait):
		case <-late.C:
			return nil, err
		case <-ctx.Done():
			return nil, err
		}
	}
}

func try(ss *Set, p *realtime.Publication, heard func() int64) (*Attempt, error) {
	o := ss.o.Owner
	o.Lock()
	defer o.Unlock()
	if o.Stopped() {
		return nil, &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: time.Second}
	}
	doc := o.Document(p.Channel.Tenant())
	rules := doc.Rules(p.Channel.Namespace()).State
	if err := decidable(ss, doc, rules, p); err != nil {
		return nil, err
	}
	s := ss.open(p.Channel)
	s.touched = time.Now()
	a := &Attempt{set: ss, state: s, id: p.ID, outcome: make(chan realtime.Outcome, 1)}
	if o := record.Decided(s.Table, p.ID); o.Verdict != realtime.VerdictUnknown {
		a.outcome <- o // it was published before
		return a, nil
	}
	asOf := heard()
	if asOf == 0 {
		return nil, unknown("the channel is not known yet")
	}
	if s.durable && !s.whole {
		if time.Since(s.tried) >= time.Second {
			ss.load(p.Channel, s)
		}
		return nil, unknown("the state is not known yet")
	}
	if err := lacks(ss, s); err != nil {
		return nil, err
	}
	state, known := record.StateOf(s.Table, p.Key)
	if !known {
		if s.durable && time.Since(s.tried) >= time.Second {
			ss.load(p.Channel, s)
		}
		return nil, unknown("it cannot be told yet what the key is")
	}
	if state.At.ID == p.ID { // it was, and has counted; what became of others is forgotten after a while
		a.outcome <- realtime.Outcome{Verdict: realtime.VerdictApplied, Position: state.At}
		return a, nil
	}
	c := *p.If
	c.Known, c.AsOf = state, asOf
	p.If = &c
	if most := time.Duration(rules.WithDefaults().TTL); p.Op == realtime.OpSet && most > 0 && p.TTL == 0 {
		p.TTL = most // said, so that everybody knows when it ends
	}
	if s.awaited == nil {
		s.awaited = map[string][]*Attempt{}
	}
	s.awaited[p.ID] = append(s.awaited[p.ID], a)
	return a, nil
}

// decidable refuses what has a Condition that instances cannot decide alike, or not as its publisher expects.
func decidable(ss *Set, doc *realtime.Tenant, rules *realtime.State, p *realtime.Publication) error {
	switch topics, n := realtime.WriteTopics(ss.o.Placement, doc, time.Now()); {
	case rules == nil:
		return realtime.Errorf(realtime.CodeBadRequest, "if: the namespace of %q keeps no state", p.Channel.Name())
	case n > 1 || topics[0] != ss.o.Topic:
		return unknown("the tenant is being moved to another topic; nothing can be decided meanwhile")
	case *rules.WithDefaults().Durable && ss.o.Store == nil:
		return NoStore()
	}
	if most := time.Duration(rules.WithDefaults().TTL); most > 0 && p.TTL > most { // whoever has a lock counts on it
		return realtime.Errorf(realtime.CodeBadRequest, "ttl: must be at most %v with a condition in the namespace of %q, got %v", most, p.Channel.Name(), p.TTL)
	}
	return nil
}

// unloaded reports whether a durable state is not known until a checkpoint is laid over it.
func unloaded(s *state) bool { return !s.whole || record.Unsure(s.Table) > 0 }

func unknown(why string) *realtime.Error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "if: " + why, RetryAfter: time.Second}
}

// decided hears what has become of a Publication.
func (s *state) decided(id string, o realtime.Outcome) {
	for _, a := range s.awaited[id] {
		select {
		case a.outcome <- o:
		default: // it was told
		}
	}
	delete(s.awaited, id)
}

// Known reports whether what has become of the Publication was known before: it need not be published again.
func (a *Attempt) Known() bool { return len(a.outcome) > 0 }

// Wait waits for what becomes of the Publication, until ctx ends: then an error has CodeUnavailable, and publishing it again with its ID tells. CodeConflict
// says that nobody can tell any more.
func (a *Attempt) Wait(ctx context.Context) (realtime.Outcome, error) {
	select {
	case o := <-a.outcome:
		if o.Verdict == realtime.VerdictUnknown {
			return o, realtime.Errorf(realtime.CodeConflict, "if: event %q was published, and what has become of it cannot be told; look at its key", a.id)
		}
		return o, nil
	case <-ctx.Done():
		return realtime.Outcome{}, &realtime.Error{
			Code: realtime.CodeUnavailable, Message: "if: the event was published, but has not come back; publish it again with the same event", RetryAfter: time.Second, Err: context.Cause(ctx),
		}
	}
}

// End lets it go.
func (a *Attempt) End() {
	o := a.set.o.Owner
	o.Lock()
	defer o.Unlock()
	left := slices.DeleteFunc(a.state.awaited[a.id], func(other *Attempt) bool { return other == a })
	if len(left) == 0 {
		delete(a.state.awaited, a.id)
		return
	}
	a.state.awaited[a.id] = left
}

// ID is that of the Publication.
func (a *Attempt) ID() string { return a.id }
