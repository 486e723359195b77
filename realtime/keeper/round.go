package keeper

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

const (
	// slack is for the clocks of two keepers, and for what is done between two looks at one.
	slack = 5 * time.Second
	// endTime is how long letting a topic go may take, also when the time is up.
	endTime = 5 * time.Second
	// mostMessages are received before they are saved and acknowledged, however little they change.
	mostMessages = 100_000
)

// round is one of a topic.
type round struct {
	keeper *Keeper
	topic  realtime.Topic
	name   string // whose claim it is
	start  time.Time
	fold   *fold
	tally  *tally

	mark    *realtime.StateMark // what the store has
	stream  realtime.DurableStream
	claimed time.Time // until when
	cut     bool      // the stream was interrupted: something may have been lost on the way, which comes again
}

// run claims the topic, reads it to a marker, saves and acknowledges. An error leaves all that was not saved for the next round.
func (r *round) run(ctx context.Context) (err error) {
	k := r.keeper
	r.claimed = time.Now().Add(k.o.MaxTime + k.pace.Redelivery + slack)
	if r.mark, err = k.o.States.Claim(ctx, r.topic, r.name, r.claimed); err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	defer func() {
		err = errors.Join(err, r.end(ctx))
		r.tally.behind(r.mark.Watermark)
	}()
	r.fold.recent = newRecent(r.mark)
	m := newMarks(r)
	r.stream, err = k.o.Reader.Read(ctx, r.topic, realtime.Reading{Name: Reading, Back: m.back})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if err := m.opened(ctx, r.stream.From()); err != nil {
		return err
	}
	marker, err := r.publishMarker(ctx)
	if err != nil {
		return fmt.Errorf("publish the marker: %w", err)
	}
	at, err := r.read(ctx, marker, m)
	if realtime.CodeOf(err) == realtime.CodeTooSlow { // what was not acknowledged is gone
		m.lost()
		return errors.Join(err, r.save(ctx, m.next(time.Time{})))
	}
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if at.IsZero() {
		if err := r.fold.unsplit(ctx, r.keeper.o.States); err != nil {
			return err
		}
	}
	if err := r.save(ctx, m.next(at)); err != nil {
		return err
	}
	r.tally.add(func(t *Report) {
		if at.IsZero() {
			t.More = true
		} else {
			t.Kept++
		}
	})
	return nil
}

// publishMarker publishes what goes through the topic, and waits until it is stored.
func (r *round) publishMarker(ctx context.Context) (id string, err error) {
	id = "keeper-" + strings.ToLower(rand.Text())
	stored := make(chan error, 1)
	r.keeper.o.Broker.Publish(ctx, r.topic, &realtime.Message{Kind: realtime.KindPulse, Origin: Reading, Publication: realtime.Publication{ID: id}}, func(err error) { stored <- err })
	return id, <-stored
}

// read folds until the marker has come back and nothing older comes any more, and returns when the marker was stored: the zero time if
// that is not known because the time was up, or the stream was interrupted.
func (r *round) read(ctx context.Context, marker string, m *marks) (at time.Time, err error) {
	k := r.keeper
	reading, cancel := context.WithTimeout(ctx, k.o.ReadTime)
	defer cancel()
	var older time.Time // when something last came that is not newer than the marker
	for {
		wait, stop := reading, context.CancelFunc(func() {})
		if !at.IsZero() {
			left := k.pace.Quiet - time.Since(older)
			if left <= 0 {
				break
			}
			wait, stop = context.WithTimeout(reading, left)
		}
		messages, err := r.stream.Receive(wait)
		ended := wait.Err() != nil
		stop()
		switch {
		case err == nil:
		case errors.Is(err, realtime.ErrBroken):
			r.cut = true
		case ctx.Err() != nil:
			return time.Time{}, err
		case reading.Err() != nil:
			return time.Time{}, nil
		case !ended:
			return time.Time{}, err
		}
		if r.cut && slices.ContainsFunc(messages, func(m realtime.Message) bool { return m.If != nil }) { // what was before them may come again behind them
			return time.Time{}, realtime.Errorf(realtime.CodeUnavailable, "the stream was interrupted before conditions that have to be decided in order")
		}
		if err := r.fold.fetch(ctx, k.o.States, messages); err != nil {
			return time.Time{}, err
		}
		now := time.Now()
		for i := range messages {
			message := &messages[i]
			if message.ID == marker && message.Kind == realtime.KindPulse {
				at, older = message.Time, now
			}
			if !message.Time.After(at) {
				older = now
			}
			r.fold.take(message, now)
		}
		if err := r.fit(ctx, m); err != nil {
			return time.Time{}, err
		}
	}
	if r.cut {
		return time.Time{}, nil
	}
	return at, nil
}

// fit saves what was folded if it is too much to go on with.
func (r *round) fit(ctx context.Context, m *marks) error {
	if r.fold.messages < mostMessages && r.fold.bytes < r.keeper.o.Bytes/r.keeper.o.Parallel {
		return nil
	}
	if err := r.fold.unsplit(ctx, r.keeper.o.States); err != nil {
		return err
	}
	return r.save(ctx, m.next(time.Time{}))
}

// save saves what was folded and the mark, and acknowledges what it was made of.
func (r *round) save(ctx context.Context, mark *realtime.StateMark) error {
	changes := r.fold.changes()
	r.fold.recent.reached(mark.Watermark)
	mark.Recent = r.fold.recent.mark()
	if err := r.keeper.o.States.Save(ctx, r.topic, r.name, changes, mark); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	r.mark = mark
	messages, left := r.fold.messages, r.fold.left
	r.fold.reset()
	r.tally.add(func(t *Report) {
		t.Messages += messages
		t.Changes += len(changes)
		t.Left += left
	})
	if err := r.stream.Ack(ctx); err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}

// end gives back what was not acknowledged, and lets the topic go. If something may be on its way to a stream that is no more, the topic
// is left claimed until it has come again.
func (r *round) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	var closed error
	if r.stream != nil {
		closed = r.stream.Close(ctx)
	}
	until := time.Time{}
	if closed != nil || r.cut {
		until = time.Now().Add(r.keeper.pace.Redelivery + slack)
		if r.keeper.pace.Redelivery == 0 {
			until = time.Time{}
		}
	}
	_, err := r.keeper.o.States.Claim(ctx, r.topic, r.name, until)
	if realtime.CodeOf(err) == realtime.CodeConflict {
		err = nil // somebody has taken it over
	}
	return errors.Join(closed, err)
}
