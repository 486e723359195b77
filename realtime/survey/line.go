package survey

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
)

// How long a line stays open. The janitor takes subscriptions of who has no lease for left behind after five minutes.
const (
	lineIdle = 30 * time.Second // after the last question
	lineFor  = 2 * time.Minute  // new questions take another one then
)

// address is where a line listens: the answers of a topic about a tenant.
type address struct {
	topic  realtime.Topic
	tenant string
}

// errLineEnded says that answers may have been missed.
var errLineEnded = errors.New("the stream of answers has ended")

// said is a part of an answer, and whose.
type said struct {
	instance string
	part     *census.Answer
}

// line is a stream of answers.
type line struct {
	surveyor *Surveyor
	address  address
	channel  realtime.Channel
	number   uint64
	since    time.Time

	ready chan struct{} // closed when it is open, or could not be opened
	err   error         // why; not changed once ready is closed
	ended chan struct{} // closed when nothing comes any more

	mu      sync.Mutex // guards all below
	waiting map[string]chan said
	used    time.Time
}

// dial returns a line that is open.
func (s *Surveyor) dial(ctx context.Context, at address) (*line, error) {
	l, err := s.line(at)
	if err != nil {
		return nil, err
	}
	select {
	case <-l.ready:
		return l, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// line returns the line of an address, which may be about to open.
func (s *Surveyor) line(at address) (*line, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lines[at]; l != nil && time.Since(l.since) < lineFor {
		l.use()
		return l, nil
	}
	if len(s.lines) >= s.o.Lines {
		return nil, &realtime.Error{Code: realtime.CodeLimited, Limit: "surveys", Message: "the instances of too many tenants are being asked", RetryAfter: 5 * time.Second}
	}
	to, err := census.AnswersTo(at.tenant, s.name)
	if err != nil {
		return nil, err
	}
	s.opened++
	l := &line{
		surveyor: s, address: at, channel: to, number: s.opened, since: time.Now(),
		ready: make(chan struct{}), ended: make(chan struct{}), waiting: map[string]chan said{}, used: time.Now(),
	}
	s.lines[at] = l
	s.running.Go(l.run)
	return l, nil
}

// use says that the line is needed.
func (l *line) use() {
	l.mu.Lock()
	l.used = time.Now()
	l.mu.Unlock()
}

// mostParts is how many parts of answers may wait for a question.
const mostParts = 256

// expect returns a channel of the answers to a query. If somebody does not take them, the rest is dropped, as if it had been lost.
func (l *line) expect(id string) <-chan said {
	l.mu.Lock()
	defer l.mu.Unlock()
	answers := make(chan said, mostParts)
	l.waiting[id], l.used = answers, time.Now()
	return answers
}

func (l *line) forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, id)
	l.used = time.Now()
}

// run opens the line, listens, and closes it when nobody has needed it for a while.
func (l *line) run() {
	s := l.surveyor
	stream, err := l.open()
	l.err = err
	close(l.ready)
	defer func() {
		close(l.ended)
		s.mu.Lock()
		if s.lines[l.address] == l {
			delete(s.lines, l.address)
		}
		s.mu.Unlock()
	}()
	if err != nil {
		return
	}
	ctx, hangUp := context.WithCancel(s.life)
	defer hangUp()
	s.running.Go(func() { l.watch(ctx, hangUp) })
	for {
		messages, err := stream.Receive(ctx)
		for i := range messages {
			l.hear(&messages[i])
		}
		if err != nil && (ctx.Err() != nil || !errors.Is(err, realtime.ErrBroken)) {
			break
		}
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := stream.Close(closing); err != nil {
		s.o.Logger.Warn("a stream was not closed cleanly", realtime.KeyTopic, l.address.topic, realtime.KeyError, err)
	}
}

func (l *line) open() (realtime.Stream, error) {
	s := l.surveyor
	ctx, cancel := context.WithTimeout(s.life, s.o.Opening)
	defer cancel()
	return s.o.Broker.Follow(ctx, l.address.topic, realtime.Following{Instance: s.name, Generation: l.number, Since: time.Now(), Channel: l.channel})
}

// watch hangs up when the line is not needed any more.
func (l *line) watch(ctx context.Context, hangUp func()) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if l.over() {
			hangUp()
			return
		}
	}
}

// over reports whether nobody needs the line any more, and lets nobody have it from then on.
func (l *line) over() bool {
	s := l.surveyor
	s.mu.Lock()
	defer s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) > 0 || time.Since(l.used) < lineIdle && s.lines[l.address] == l && time.Since(l.since) < lineFor+lineIdle {
		return false
	}
	if s.lines[l.address] == l {
		delete(s.lines, l.address)
	}
	return true
}

// hear takes in a message.
func (l *line) hear(m *realtime.Message) {
	if m.Kind != realtime.KindCensus || m.Channel != l.channel || m.Check(time.Now()) != nil {
		return
	}
	part, err := census.DecodeAnswer(m)
	if err != nil {
		l.surveyor.o.Metrics.Add(realtime.CountDrops, "", realtime.ReasonMalformed, 1)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if to := l.waiting[part.To]; to != nil {
		select {
		case to <- said{m.Origin, part}:
		default: // it is as lost
		}
	}
}
