package gcpfirestore

import (
	"context"
	"sync"
	"time"

	"cloud.google.com/go/firestore"
)

const (
	commitWrites  = 100     // in one request, which Firestore writes whole or not at all
	commitBytes   = 4 << 20 // of the 10 MiB that Firestore takes
	commitsAtOnce = 8
)

// docWriter gathers writes of documents that have nothing to do with each other, and makes few requests of
// them. The client's BulkWriter is for that too, but sends 20 documents a request, has no deadline of its own, and tries each
// document up to ten times while its caller, who has to try again after an outage anyway, waits.
type docWriter struct {
	db      *firestore.Client
	timeout time.Duration // of one request
	batches []*writeBatch
	writes  int // in the last batch, as is
	bytes   int
}

// writeBatch is deprecated in favour of BulkWriter and transactions, neither of which is what is needed here: one
// request, without a read, within a deadline.
type writeBatch = firestore.WriteBatch //nolint:staticcheck // see above

// next returns the batch that takes the next write.
func (w *docWriter) next() *writeBatch {
	if len(w.batches) == 0 || w.writes == commitWrites || w.bytes >= commitBytes {
		w.batches = append(w.batches, w.db.Batch()) //nolint:staticcheck // see writeBatch
		w.writes, w.bytes = 0, 0
	}
	w.writes++
	return w.batches[len(w.batches)-1]
}

// grow says how large the last write was, if that matters.
func (w *docWriter) grow(bytes int) { w.bytes += bytes }

// commit writes what was gathered, and returns one of the errors if there are any.
func (w *docWriter) commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var all sync.WaitGroup
	slots, failed := make(chan struct{}, commitsAtOnce), make(chan error, len(w.batches))
	for _, b := range w.batches {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, w.timeout)
			defer cancel()
			if _, err := b.Commit(ctx); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
