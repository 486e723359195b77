package registration

import (
	"context"
	"maps"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// write writes what waits, new connections first, and reports whether all of
// it was written.
func (w *Writer) write(ctx context.Context) bool {
	w.mu.Lock()
	var adds map[realtime.ConnectionRef]pendingDoc
	var removes map[realtime.ConnectionRef]struct{}
	if len(w.adds) > 0 {
		adds, w.adds, w.writing = w.adds, map[realtime.ConnectionRef]pendingDoc{}, len(w.adds)
	}
	if len(w.removes) > 0 {
		removes, w.removes = w.removes, map[realtime.ConnectionRef]struct{}{}
	}
	w.mu.Unlock()

	added := w.writeAdds(ctx, adds)
	return w.writeRemoves(ctx, removes) && added
}

func (w *Writer) writeAdds(ctx context.Context, adds map[realtime.ConnectionRef]pendingDoc) bool {
	if len(adds) == 0 {
		return true
	}
	docs := make([]realtime.ConnectionDoc, 0, len(adds))
	for _, e := range adds {
		docs = append(docs, e.doc)
	}
	writing, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := w.ask(func() error { return w.registry.Connect(writing, docs) })
	if err != nil && ctx.Err() == nil { // at the end of the lease documents are dead anyhow
		w.log.WarnContext(ctx, "writing connection documents failed", realtime.KeyError, err, realtime.KeyCount, len(docs))
	}
	w.written(adds, err != nil)
	return err == nil
}

func (w *Writer) writeRemoves(ctx context.Context, removes map[realtime.ConnectionRef]struct{}) bool {
	if len(removes) == 0 {
		return true
	}
	refs := slices.Collect(maps.Keys(removes))
	writing, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := w.ask(func() error { return w.registry.Disconnect(writing, refs) }); err != nil {
		if ctx.Err() == nil {
			w.log.WarnContext(ctx, "removing connection documents failed", realtime.KeyError, err, realtime.KeyCount, len(refs))
		}
		w.putBackRemoves(removes)
		return false
	}
	return true
}

// written notes the end of a write. If it failed, what was not removed or replaced
// meanwhile waits for the next.
func (w *Writer) written(adds map[realtime.ConnectionRef]pendingDoc, failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writing = 0
	if !failed {
		return
	}
	for ref, e := range adds {
		_, removed := w.removes[ref]
		_, replaced := w.adds[ref]
		if !removed && !replaced {
			w.adds[ref] = pendingDoc{doc: e.doc, tried: true}
		}
	}
}

func (w *Writer) putBackRemoves(removes map[realtime.ConnectionRef]struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ref := range removes {
		if len(w.removes) < maxPending {
			w.removes[ref] = struct{}{}
		}
	}
}
