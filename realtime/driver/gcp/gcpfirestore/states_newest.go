package gcpfirestore

import (
	"context"
	"slices"

	"cloud.google.com/go/firestore"

	"github.com/tidewire/tidewire/realtime"
)

// Newest reads the documents of keys and of their channels, some at a time.
func (s *States) Newest(ctx context.Context, keys []realtime.StateRef) ([]realtime.StateChange, error) {
	all := make([]realtime.StateChange, 0, len(keys))
	for part := range slices.Chunk(keys, pageRead) {
		refs := make([]*firestore.DocumentRef, 0, 2*len(part))
		for _, k := range part {
			refs = append(refs, s.entry(k.Channel, k.Key), s.channel(k.Channel))
		}
		found, err := s.all(ctx, refs)
		if err != nil {
			return nil, storeError("read the newest of keys", err)
		}
		for i, k := range part {
			all = append(all, s.newest(ctx, k.Channel, found[2*i], found[2*i+1]))
		}
	}
	return all, nil
}

// newest is what the documents of a key and of its channel say.
func (s *States) newest(ctx context.Context, c realtime.Channel, key, channel *firestore.DocumentSnapshot) realtime.StateChange {
	cleared := s.clearOf(ctx, channel)
	if key.Exists() {
		d, err := decodeState(key)
		if err != nil {
			s.malformed.found(ctx, stateKind, pathOf(key.Ref), err)
		} else if !cleared.covers(&d.Change) {
			e := d.entry(c)
			e.Op = realtime.Op(d.Change.Op)
			return realtime.StateChange(e)
		}
	}
	if cleared.ID == "" {
		return realtime.StateChange{}
	}
	return realtime.StateChange{Publication: realtime.Publication{Channel: c, ID: cleared.ID, Op: realtime.OpClear, Time: cleared.Time}}
}
