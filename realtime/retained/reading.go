package retained

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/hub/history"
	"github.com/tidewire/tidewire/realtime/hub/inspect"
	"github.com/tidewire/tidewire/realtime/hub/record"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// want says what a reading is to have.
type want struct {
	tenant  *realtime.Tenant
	channel realtime.Channel
	reach   realtime.History
	since   time.Time // everything from then on
	until   int64     // up to a moment, ms; 0 is what has been published by now
}

// skew is how far the clocks of this process, publishers and the broker may differ.
const skew = time.Second

// attempts is how often a reading begins whose stream is interrupted.
const attempts = 3

// reading is one look at what a topic keeps of a channel.
type reading struct {
	reader *Reader
	want

	// Guarded by Reader.mu until done is closed, and not changed afterwards.
	asked time.Time // when its fence was handed over; zero: it waits for its turn
	ended time.Time // zero: it has not
	err   error
	bytes int
	done  chan struct{}

	mu  sync.Mutex // guards what rec holds
	rec *record.Record
}

// has reports whether the reading has, or will have, what is wanted. Reader.mu is held.
func (rd *reading) has(w *want) bool {
	if rd.channel != w.channel || rd.reach != w.reach || rd.since.After(w.since) || rd.err != nil || !rd.ended.IsZero() && time.Since(rd.ended) > keptFor {
		return false
	}
	return rd.asked.IsZero() || w.until != 0 && w.until < rd.asked.Add(-skew).UnixMilli()
}

// page returns a page of what was read.
func (rd *reading) page(ask *history.Ask) *history.Page {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	p := history.NewPage(rd.rec, ask)
	p.Look(func() bool { return false })
	return p
}

// full reports whether there was more than may be read.
func (rd *reading) full() bool {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	return !rd.rec.Evicted().IsZero()
}

// run reads when it is its turn.
func (rd *reading) run() {
	r := rd.reader
	ctx, cancel := context.WithTimeout(r.life, r.o.Within)
	defer cancel()
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
	}
	rec, err := rd.readAgain(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting--
	rd.rec, rd.err, rd.ended = rec, err, time.Now()
	if err == nil {
		rd.bytes = rec.Quota().Used()
	} else {
		r.o.Logger.Warn("the history of a channel could not be read", realtime.KeyTenant, rd.tenant.ID, realtime.KeyChannel, rd.channel.Name(), realtime.KeyError, err)
	}
	close(rd.done)
}

// readAgain reads, and begins anew if the stream was interrupted.
func (rd *reading) readAgain(ctx context.Context) (rec *record.Record, err error) {
	for range attempts {
		if rec, err = rd.read(ctx); err == nil || ctx.Err() != nil || !errors.Is(err, realtime.ErrBroken) {
			break
		}
	}
	if err != nil && realtime.CodeOf(err) != realtime.CodeLimited {
		err = &realtime.Error{Code: realtime.CodeUnavailable, Message: "the history could not be read", RetryAfter: 5 * time.Second, Err: err}
	}
	return rec, err
}

// read makes a record of what the topic keeps of the channel.
func (rd *reading) read(ctx context.Context) (rec *record.Record, err error) {
	r := rd.reader
	defer func() {
		if fault := recover(); fault != nil {
			contain.Report(r.o.Logger, r.o.Metrics, contain.Request, fault, nil)
			err = realtime.Errorf(realtime.CodeInternal, "something went wrong")
		}
	}()
	topic := realtime.ReadTopic(r.o.Placement, rd.tenant, time.Now())
	fence, err := rd.fence(ctx, topic)
	if err != nil {
		return nil, err
	}
	// Copies of the fence that a retry stores once the stream is open come before the replay, and prove nothing. They are known by their time, so it is opened
	// only when nobody's clock shows that of the fence any more.
	// Where there are conditions, what was published until now is to come in its order, and not mixed with what comes meanwhile: that takes as long again.
	latest, wait, before := time.Now().Add(skew), skew, margin
	state := rd.tenant.Rules(rd.channel.Namespace()).State
	if state != nil {
		wait, before = 2*skew, margin+known
	}
	select {
	case <-time.After(wait + time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	opened := time.Now()
	stream, err := r.o.Broker.Follow(ctx, topic, realtime.Following{
		Instance: r.name, Generation: r.number.Add(1), Since: rd.since.Add(-before), Channel: rd.channel,
	})
	if err != nil {
		return nil, err
	}
	defer closeStream(ctx, r, stream, topic)
	complete := rd.complete(stream, topic)
	rec = rd.newRecord(complete)
	j := newJudge(rec, state, complete, opened, r.o.Bytes/4)
	sifter := inspect.New(inspect.Options{Topic: topic, Payload: r.o.Payload, Placement: r.o.Placement, Metrics: r.o.Metrics, Log: r.o.Logger})
	var seen ids
	for {
		messages, err := stream.Receive(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range sifter.Sift(messages) {
			switch {
			case m.Channel != rd.channel, m.Transient: // which no history has
			case m.Kind == realtime.KindPublication && j.late(&m):
			case m.Kind == realtime.KindPublication:
				repeated := seen.repeated(&m)
				record.BufferDecided(rec, &m, repeated, j.take(&m, repeated))
			case m.Kind == realtime.KindFence && m.ID == fence.ID && !m.Time.After(latest):
				j.decide()
				rec.Make(m.Time.UnixMilli())
				return rec, nil
			}
		}
	}
}

// fence publishes one to the channel: what was published before has come when it comes.
func (rd *reading) fence(ctx context.Context, topic realtime.Topic) (*realtime.Message, error) {
	r := rd.reader
	fence := &realtime.Message{Kind: realtime.KindFence, Origin: r.name, Publication: realtime.Publication{Channel: rd.channel, ID: uid.New()}}
	r.mu.Lock()
	rd.asked = time.Now()
	r.mu.Unlock()
	stored := make(chan error, 1)
	r.o.Broker.Publish(ctx, topic, fence, func(err error) { stored <- err })
	return fence, <-stored
}

func closeStream(ctx context.Context, r *Reader, s realtime.Stream, topic realtime.Topic) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.Close(closing); err != nil {
		r.o.Logger.Warn("a stream was not closed cleanly", realtime.KeyTopic, topic, realtime.KeyError, err)
	}
}

// complete is the moment from which on a stream has everything of the channel.
func (rd *reading) complete(s realtime.Stream, topic realtime.Topic) time.Time {
	since := s.CompleteSince()
	if moved := rd.tenant.Moved; moved != nil && rd.reader.o.Placement(rd.tenant) == topic && since.Before(moved.Settled()) {
		return moved.Settled() // earlier ones went by the other topic
	}
	return since
}

// newRecord returns an empty record that keeps what may be read.
func (rd *reading) newRecord(complete time.Time) *record.Record {
	set := record.New(record.Options{Owner: owner{}, Skew: skew})
	set.Complete(complete)
	rules := realtime.Namespace{Window: rd.reach.Count, WindowFor: rd.reach.For}
	return set.Open(rd.channel, &realtime.Tenant{
		ID: rd.tenant.ID, Limits: realtime.Limits{RecordBytes: rd.reader.o.Bytes}, Namespaces: map[string]realtime.Namespace{"*": rules},
	})
}

// owner does not care what becomes of a record.
type owner struct{}

func (owner) Evicted(realtime.Channel, realtime.Reason, int) {}
func (owner) Emptied(realtime.Channel)                       {}
func (owner) Unencodable(realtime.Channel)                   {}

// ids are those of the messages of a channel that came, as long as a publisher may repeat them.
type ids struct {
	newer, older map[string]struct{}
	turned       int64 // ms
}

// repeated reports whether the ID of a message has come before.
func (s *ids) repeated(m *realtime.Message) bool {
	if ms := m.Time.UnixMilli(); s.newer == nil || ms-s.turned > margin.Milliseconds() {
		s.newer, s.older, s.turned = map[string]struct{}{}, s.newer, ms
	}
	_, again := s.newer[m.ID]
	if !again {
		_, again = s.older[m.ID]
	}
	s.newer[m.ID] = struct{}{}
	return again
}
