package gcpfirestore

import (
	"context"
	"errors"
	"sync"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/tidewire/tidewire/realtime"
)

const (
	savesAtOnce  = 4
	saveAttempts = 8 // of one part, each because somebody else has written meanwhile
)

// Save writes clears first, then the other changes, in parts of which some are under way at once, and the mark in the end. What is stored
// already costs a reading, and no write.
func (s *States) Save(ctx context.Context, topic realtime.Topic, keeper string, changes []realtime.StateChange, mark *realtime.StateMark) error {
	for i := range changes {
		if err := changes[i].Check(); err != nil {
			return err
		}
	}
	var clears, others []*realtime.StateChange
	for i := range changes {
		if changes[i].Op == realtime.OpClear {
			clears = append(clears, &changes[i])
		} else {
			others = append(others, &changes[i])
		}
	}
	w := saving{States: s, ref: s.topic(topic), topic: topic, keeper: keeper}
	for _, c := range clears {
		if err := w.clear(ctx, c); err != nil {
			return storeError("clear the state of "+c.Channel.String(), err)
		}
	}
	if err := w.write(ctx, others); err != nil {
		return storeError("save the state of topic "+string(topic), err)
	}
	err := s.changeTopic(ctx, topic, func(d *topicDocument) (map[string]any, error) {
		if d.Keeper != keeper || keeper == "" {
			return nil, anothers(topic, d.Keeper)
		}
		if mark == nil {
			return nil, nil
		}
		return encodeMark(mark, d), nil
	})
	return storeError("save the watermark of topic "+string(topic), err)
}

// saving is one Save.
type saving struct {
	*States
	ref    *firestore.DocumentRef // of the topic
	topic  realtime.Topic
	keeper string
}

// write saves changes of keys.
func (w *saving) write(ctx context.Context, changes []*realtime.StateChange) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	slots := make(chan struct{}, savesAtOnce)
	for len(changes) > 0 && ctx.Err() == nil {
		n, bytes := 0, 0
		for ; n < len(changes) && n < commitWrites && bytes < commitBytes; n++ {
			bytes += stateBytes(changes[n])
		}
		part := changes[:n]
		changes = changes[n:]
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := w.again(ctx, func() error { return w.writePart(ctx, part) }); err != nil {
				cancel(err) // the first one is told
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// again does something until it works, as long as it fails because somebody else has written meanwhile.
func (w *saving) again(ctx context.Context, do func() error) error {
	var err error
	for range saveAttempts {
		if err = do(); !outrun(err) {
			return err
		}
		if err := backOff(ctx); err != nil {
			return err
		}
	}
	return errors.Join(err, realtime.Errorf(realtime.CodeConflict, "topic: others write to the state of %q", w.topic))
}

// read reads the topic's document and others at one moment, and refuses if the topic is another's.
func (w *saving) read(ctx context.Context, refs []*firestore.DocumentRef) ([]*firestore.DocumentSnapshot, error) {
	found, err := w.all(ctx, append([]*firestore.DocumentRef{w.ref}, refs...))
	if err != nil {
		return nil, err
	}
	if d := w.topicOf(ctx, found[0]); d.Keeper != w.keeper || w.keeper == "" {
		return nil, anothers(w.topic, d.Keeper)
	}
	return found[1:], nil
}

// writePart saves what fits into one commit.
func (w *saving) writePart(ctx context.Context, part []*realtime.StateChange) error {
	var refs []*firestore.DocumentRef
	channels := map[realtime.Channel]int{} // their place
	for _, c := range part {
		if _, ok := channels[c.Channel]; !ok {
			channels[c.Channel] = len(refs)
			refs = append(refs, w.channel(c.Channel))
		}
	}
	first := len(refs)
	for _, c := range part {
		refs = append(refs, w.entry(c.Channel, c.Key))
	}
	found, err := w.read(ctx, refs)
	if err != nil {
		return err
	}
	batch, writes, now := w.db.Batch(), 0, time.Now() //nolint:staticcheck // see writeBatch
	for i, c := range part {
		have, cleared := w.stored(ctx, found[first+i]), w.clearOf(ctx, found[channels[c.Channel]])
		if !c.Replaces(have.Change.ID, have.Change.Time) || !c.Replaces(cleared.ID, cleared.Time) {
			continue
		}
		after := ""
		if c.Time.Equal(cleared.Time) {
			after = cleared.ID
		}
		put(batch, found[first+i], encodeState(c, after, now))
		writes++
	}
	if writes == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	_, err = batch.Commit(ctx)
	return err
}

// stored is what a document says, and nothing if it is not there or malformed.
func (w *saving) stored(ctx context.Context, s *firestore.DocumentSnapshot) *stateDocument {
	if !s.Exists() {
		return &stateDocument{}
	}
	d, err := decodeState(s)
	if err != nil {
		w.malformed.found(ctx, stateKind, pathOf(s.Ref), err)
		return &stateDocument{}
	}
	return d
}

// put writes all fields of a document, if it is still as it was read.
func put(batch *writeBatch, s *firestore.DocumentSnapshot, fields map[string]any) {
	if !s.Exists() {
		batch.Create(s.Ref, fields)
		return
	}
	if _, ok := fields["expireAt"]; !ok {
		fields["expireAt"] = firestore.Delete
	}
	batch.Update(s.Ref, updates(fields), firestore.LastUpdateTime(s.UpdateTime))
}

// clear says that a channel was cleared, and removes what was stored before. One that is read again goes on with what it has left.
func (w *saving) clear(ctx context.Context, c *realtime.StateChange) error {
	cleared := clearFields{c.ID, c.Time}
	over := false
	err := w.again(ctx, func() error {
		found, err := w.read(ctx, []*firestore.DocumentRef{w.channel(c.Channel)})
		if err != nil {
			return err
		}
		if have := w.clearOf(ctx, found[0]); !c.Replaces(have.ID, have.Time) {
			cleared, over = have, have.ID != c.ID
			return nil
		}
		batch := w.db.Batch() //nolint:staticcheck // see writeBatch
		put(batch, found[0], map[string]any{"cleared": clearFields{c.ID, c.Time}, "expireAt": time.Now().Add(stateKept)})
		ctx, cancel := context.WithTimeout(ctx, w.timeout)
		defer cancel()
		_, err = batch.Commit(ctx)
		return err
	})
	if err != nil || over {
		return err
	}
	return w.again(ctx, func() error { return w.remove(ctx, c.Channel, &cleared) })
}

// remove removes the documents that a clear covers. Each is removed as it was read, and otherwise looked at again.
func (w *saving) remove(ctx context.Context, c realtime.Channel, cleared *clearFields) error {
	query := w.channel(c).Collection(stateCollection).OrderBy(firestore.DocumentID, firestore.Asc).Select("key", "change.id", "change.time", "change.after").Limit(pageRead)
	for next := query; ; {
		found, err := w.page(ctx, next)
		if err != nil {
			return err
		}
		writer := docWriter{db: w.db, timeout: w.timeout}
		for _, one := range found {
			if cleared.covers(&w.stored(ctx, one).Change) {
				writer.next().Delete(one.Ref, firestore.LastUpdateTime(one.UpdateTime))
			}
		}
		if err := writer.commit(ctx); err != nil {
			return err
		}
		if len(found) < pageRead {
			return nil
		}
		next = query.StartAfter(found[len(found)-1])
	}
}
