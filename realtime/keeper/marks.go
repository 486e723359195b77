package keeper

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// marks says which namespaces of a topic are kept, and from which moment on the state of each is whole.
type marks struct {
	round *round
	want  map[realtime.NamespaceRef]bool // see kept
	back  bool                           // the reading has to go back

	watermark time.Time
	since     map[realtime.NamespaceRef]time.Time
	pending   map[realtime.NamespaceRef]realtime.PendingState
}

// newMarks looks at what the store has of the namespaces that are to be kept.
func newMarks(r *round) *marks {
	m := &marks{
		round: r, want: map[realtime.NamespaceRef]bool{}, watermark: r.mark.Watermark,
		since: map[realtime.NamespaceRef]time.Time{}, pending: map[realtime.NamespaceRef]realtime.PendingState{},
	}
	for _, doc := range r.fold.tenants {
		maps.Copy(m.want, kept(doc))
	}
	if longest := r.keeper.pace.Retention; longest > 0 && !m.watermark.IsZero() && r.start.Sub(m.watermark) > longest-slack {
		m.back = true // nobody knows what was lost
		return m
	}
	for ref, has := range m.want {
		switch since, pending := r.mark.Since[ref], r.mark.Pending[ref]; {
		case !has:
		case !since.IsZero():
			m.since[ref] = since
		case !pending.At.IsZero():
			m.pending[ref] = pending
		default:
			m.back = true
		}
	}
	return m
}

// opened is told from which moment on the reading brings everything; zero if it goes on where it was.
func (m *marks) opened(ctx context.Context, from time.Time) error {
	if from.IsZero() {
		return nil
	}
	now := m.round.start
	if !m.back { // somebody has removed the reading
		whole := !m.watermark.Before(from)
		for ref, since := range m.since {
			if !whole {
				since = from
			}
			m.pending[ref] = realtime.PendingState{At: now, Since: since}
		}
		m.since = map[realtime.NamespaceRef]time.Time{}
	}
	for ref, has := range m.want {
		if _, known := m.pending[ref]; known || !has || !m.since[ref].IsZero() {
			continue
		}
		since, err := m.inherited(ctx, ref, from)
		if err != nil {
			return err
		}
		m.pending[ref] = realtime.PendingState{At: now, Since: since}
	}
	return nil
}

// inherited is from which moment on the state of a namespace is whole that is new on the topic: if its tenant was moved here, as it was
// where that was before, because the store has that still.
func (m *marks) inherited(ctx context.Context, ref realtime.NamespaceRef, from time.Time) (time.Time, error) {
	k, doc := m.round.keeper, m.round.fold.tenants[ref.Tenant]
	if doc == nil || doc.Moved == nil {
		return from, nil
	}
	before := k.o.Placement(&realtime.Tenant{ID: doc.ID, Placement: doc.Moved.From})
	if before == m.round.topic {
		return from, nil
	}
	mark, err := k.o.States.Claim(ctx, before, m.round.name, time.Time{}) // it claims nothing
	if err != nil {
		return time.Time{}, fmt.Errorf("read the mark of topic %q: %w", before, err)
	}
	if since := mark.Since[ref]; !since.IsZero() && since.Before(from) && !mark.Watermark.Before(from) {
		return since, nil
	}
	return from, nil
}

// lost says that messages were lost: everything begins anew.
func (m *marks) lost() {
	m.since, m.pending = map[realtime.NamespaceRef]time.Time{}, map[realtime.NamespaceRef]realtime.PendingState{}
}

// next returns the mark that is to be saved once all before a moment is; the zero time says that this is not known.
func (m *marks) next(at time.Time) *realtime.StateMark {
	mark := &realtime.StateMark{Watermark: m.watermark, Since: maps.Clone(m.since), Pending: map[realtime.NamespaceRef]realtime.PendingState{}}
	for ref, has := range m.want {
		if !has {
			mark.Since[ref] = time.Time{}
		}
	}
	for ref, p := range m.pending {
		if !at.IsZero() && m.round.start.Sub(p.At) >= m.round.keeper.pace.Settle {
			mark.Since[ref] = p.Since
		} else {
			mark.Pending[ref] = p
		}
	}
	if at.After(mark.Watermark) {
		mark.Watermark = at
	}
	return mark
}
