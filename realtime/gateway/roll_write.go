package gateway

import (
	"context"
	"maps"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// write writes what waits, new connections first, and reports whether all of
// it was written.
func (r *roll) write(ctx context.Context) bool {
	r.mu.Lock()
	var adds map[realtime.ConnectionRef]entry
	var removes map[realtime.ConnectionRef]struct{}
	if len(r.adds) > 0 {
		adds, r.adds, r.flying = r.adds, map[realtime.ConnectionRef]entry{}, len(r.adds)
	}
	if len(r.removes) > 0 {
		removes, r.removes = r.removes, map[realtime.ConnectionRef]struct{}{}
	}
	r.mu.Unlock()

	added := r.writeAdds(ctx, adds)
	return r.writeRemoves(ctx, removes) && added
}

func (r *roll) writeAdds(ctx context.Context, adds map[realtime.ConnectionRef]entry) bool {
	if len(adds) == 0 {
		return true
	}
	docs := make([]realtime.ConnectionDoc, 0, len(adds))
	for _, e := range adds {
		docs = append(docs, e.doc)
	}
	writing, cancel := context.WithTimeout(ctx, rollWriteTime)
	defer cancel()
	err := r.ask(func() error { return r.registry.Connect(writing, docs) })
	if err != nil && ctx.Err() == nil { // at the end of the lease documents are dead anyhow
		r.log.WarnContext(ctx, "writing connection documents failed", realtime.KeyError, err, realtime.KeyCount, len(docs))
	}
	r.landed(adds, err != nil)
	return err == nil
}

func (r *roll) writeRemoves(ctx context.Context, removes map[realtime.ConnectionRef]struct{}) bool {
	if len(removes) == 0 {
		return true
	}
	refs := slices.Collect(maps.Keys(removes))
	writing, cancel := context.WithTimeout(ctx, rollWriteTime)
	defer cancel()
	if err := r.ask(func() error { return r.registry.Disconnect(writing, refs) }); err != nil {
		if ctx.Err() == nil {
			r.log.WarnContext(ctx, "removing connection documents failed", realtime.KeyError, err, realtime.KeyCount, len(refs))
		}
		r.putBackRemoves(removes)
		return false
	}
	return true
}

// landed is the end of a write. If it failed, what was not removed or replaced
// meanwhile waits for the next.
func (r *roll) landed(adds map[realtime.ConnectionRef]entry, failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flying = 0
	if !failed {
		return
	}
	for ref, e := range adds {
		_, removed := r.removes[ref]
		_, replaced := r.adds[ref]
		if !removed && !replaced {
			r.adds[ref] = entry{doc: e.doc, tried: true}
		}
	}
}

func (r *roll) putBackRemoves(removes map[realtime.ConnectionRef]struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ref := range removes {
		if len(r.removes) < rollPending {
			r.removes[ref] = struct{}{}
		}
	}
}
